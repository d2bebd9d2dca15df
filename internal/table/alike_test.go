package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/internal/frame"
	"sluice/internal/logs"
)

// detail is an object beside others of its form.
type detail struct {
	When logs.Time  `col:"event_time"`
	Text logs.Text  `col:"text,alike"`
	Line logs.Int64 `col:"line"`
}

var detailTable = logs.Table[detail]{Name: "details", Time: func(r *detail) logs.Time { return r.When }}

// details makes n texts: objects of a few forms and what is none, hostile ones too.
func details(seed uint64, n int) (texts []logs.Text) {
	r := rand.New(rand.NewPCG(seed, 5))
	ciphers := []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "ECDHE", ""}
	quotes := bytes.Repeat([]byte{'"'}, 40)
	for range n {
		var v logs.Text
		switch r.IntN(12) {
		case 0: // NULL
		case 1:
			v = logs.Text{}
		case 2:
			v = quotes[:r.IntN(len(quotes))]
		case 3: // two letters, so that words repeat at all distances
			for range r.IntN(60) {
				v = append(v, "\"a"[r.IntN(2)])
			}
		case 4:
			v = fmt.Appendf(nil, `{"x":"%s"}`, strings.Repeat("ab", r.IntN(300)))
		default:
			v = fmt.Appendf(nil, `{"Version":"SigV4","Cipher":"%s","In":%d`, ciphers[r.IntN(len(ciphers))], r.IntN(1000)*r.IntN(2))
			if r.IntN(3) == 0 {
				v = append(v, `,"SSEApplied":"SSE_KMS"`...)
			}
			v = fmt.Appendf(v, `,"x-amz-id-2":"%x%x","Out":%d}`, r.Uint64(), r.Uint64(), r.Uint32())
		}
		texts = append(texts, v)
	}
	return texts
}

// wrote writes texts as rows and returns the objects, and what readers must find.
func wrote(t *testing.T, texts []logs.Text) (objects []Object, want [][]any) {
	t.Helper()
	w, err := New(detailTable, newStage(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range texts {
		if err := w.Write(&detail{Text: v, Line: logs.Int64(i)}); err != nil {
			t.Fatal(err)
		}
		row := []any{int64(0), nil, int64(i)}
		if v != nil {
			row[1] = string(v)
		}
		want = append(want, row)
	}
	if objects, err = w.Close("b"); err != nil {
		t.Fatal(err)
	}
	return objects, want
}

// TestAlike: what is written of objects that are alike is read again as it was, also
// where it is not alike at all.
func TestAlike(t *testing.T) {
	for seed := range uint64(60) {
		objects, want := wrote(t, details(seed, []int{1, 2, 3, 40, 3000}[seed%5]))
		same(t, readBack(t, objects), want)
	}
	long := logs.Text(`"` + strings.Repeat("abcdefghijklm", 2*frame.MaxMatch/13))
	dull := logs.Text(strings.Repeat("x", 3*frame.MaxMatch) + `","b":"0123456789"}`)
	random := make(logs.Text, 3000)
	for i, r := 0, rand.New(rand.NewPCG(1, 1)); i < len(random); i++ {
		random[i] = byte(r.Uint32())
	}
	for name, texts := range map[string][]logs.Text{
		"longer than a match": {long, long, logs.Text(`"`), long[:len(long)/2], long},
		// Known again by its end only, further back than a match is long.
		"long before it ends":  {dull, dull, logs.Text(`{}`), dull},
		"larger than a frame":  {logs.Text(`{}`), make(logs.Text, frame.MaxText+1), logs.Text(`{}`)},
		"nothing repeats":      {random},
		"one byte many times":  {bytes.Repeat([]byte{'"'}, 5000)},
		"a mark where it ends": {logs.Text(`{"a":"0123456789"}`), logs.Text(`{"a":"01234567"}`), logs.Text(`{"a":"0123456"}`)},
		"NULL alone":           {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			objects, want := wrote(t, texts)
			same(t, readBack(t, objects), want)
		})
	}
}

// Objects that differ in an id take no more than the id and little beside it.
func TestAlikeIsSmall(t *testing.T) {
	const n = 5000
	var texts []logs.Text
	r := rand.New(rand.NewPCG(2, 2))
	for range n {
		texts = append(texts, fmt.Appendf(nil, `{"Version":"SigV4","Cipher":"TLS_AES_%d_GCM_SHA256","In":0,"x-amz-id-2":"%016x"}`, 128<<r.IntN(2), r.Uint64()))
	}
	objects, _ := wrote(t, texts)
	if got := float64(objects[0].Bytes) / n; got > 10.2 { // 8 of the id; see frameAlike
		t.Errorf("%.1f bytes a row", got)
	}
}
