package finding

import (
	"strings"
	"testing"
)

// What is cut is cut between characters, and after secrets have gone: a long one
// hides nothing that stands behind it.
func TestWhatIsCut(t *testing.T) {
	long := strings.Repeat("a", maxInput-1) + "é and more"
	if got, want := shown(long, 2*maxInput), strings.Repeat("a", maxInput-1); got != want {
		t.Errorf("%d bytes, ending in %q", len(got), got[max(0, len(got)-20):])
	}
	link := "GET /a?X-Amz-Signature=" + strings.Repeat("0f", 200) + "&response-content-type=text HTTP/1.1"
	if got := shown(link, 100); !strings.HasSuffix(got, "&response-content-type=text HTTP/1.1") || strings.Contains(got, "0f0f") {
		t.Errorf("%q", got)
	}
}
