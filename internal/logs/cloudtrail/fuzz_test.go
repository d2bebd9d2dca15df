package cloudtrail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/internal/logs"
)

// FuzzRead holds the reader against jsontext, a slow and strict one: the same
// files are whole, with the same records, and what a record says is in its row
// or the record is a reject with its reason.
func FuzzRead(f *testing.F) {
	for _, content := range samples(f) {
		for _, line := range bytes.Split(content, []byte("\n")) { // small seeds: the fuzzer spends its time on shrinking large ones
			line = bytes.TrimRight(line, ",\t\r ")
			f.Add(fmt.Appendf(nil, `{"Records":[%s]}`, line), uint8(len(line)))
			f.Add(line, uint8(7))
		}
	}
	for _, s := range []string{
		`{"Records":[{"eventTime":"2026-11-22T08:15:30Z","a":1,"\u0061":2}]}`,
		`{"Records":[{"eventTime":"2026-11-22T08:15:30Z","a":"\ud83d\ude00\ud83d","b":[-0.5e+7,true,false,null,{},[]]}],"Records":[]}`,
		`{"a":"\ud800\n"}`, `{"Records":[` + strings.Repeat("[", 50),
		"{\"Records\":[{\"eventName\":\"\xff\",\"eventTime\":\"2026-11-22T08:15:30Z\"}]}",
		`{"Records":[{"Signature":"x","b":"X-Amz-Security-Token=\u0026","c":"Signature\u003d\\\"y"}]}`,
	} {
		f.Add([]byte(s), uint8(3))
	}
	rd := new(reader)
	f.Fuzz(func(t *testing.T, content []byte, window uint8) {
		if window > 0 { // small ones move and grow often
			rd.win.buf = make([]byte, window)
		}
		want, wantErr := reference(content)
		in := &logs.Input{Key: "k", Dated: dated}
		steps := int64(0)
		r := &watched{r: bytes.NewReader(content)}
		kept := newKeeper()
		var err error
		for row, step := range rd.Read(in, r) {
			var bad *logs.BadRecord
			if step != nil && !errors.As(step, &bad) {
				err = step
				continue
			}
			if err != nil {
				t.Fatalf("a step after the error %v", err)
			}
			if steps++; int(steps) > len(want) {
				t.Fatalf("record %d of %d", steps, len(want))
			}
			rec := cleaned(t, want[steps-1])
			complaint := compare(row, bad, rec)
			if complaint == "" && row != nil {
				kept.check(t, row)
				complaint = compareParts(row)
			}
			if complaint != "" {
				t.Fatalf("record %d: %s\n%s", steps, complaint, rec)
			}
		}
		if errors.Is(err, errTooDeep) || errors.Is(err, errTooLarge) {
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("got %v, want %v", err, wantErr)
		}
		if err == nil && (steps != in.Lines || int(steps) != len(want) || !r.ended) {
			t.Fatalf("%d steps, %d lines, want %d; read to the end: %t", steps, in.Lines, len(want), r.ended)
		}
		Format.Match("a.json", content)
		Format.Match(string(content), content)
	})
}

// watched notes whether its reader was read to the end.
type watched struct {
	r     io.Reader
	ended bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.ended = w.ended || err == io.EOF
	return n, err
}

// reference reads the records of a file as jsontext does; on an error those before it.
func reference(content []byte) (records [][]byte, err error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	d := jsontext.NewDecoder(bytes.NewReader(content), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := expectKind(d, '{'); err != nil {
		return nil, err
	}
	found := 0
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return records, err
		}
		if name.String() != "Records" {
			if err := d.SkipValue(); err != nil {
				return records, err
			}
			continue
		}
		if found++; found > 1 {
			return records, errors.New("Records twice")
		}
		if err := expectKind(d, '['); err != nil {
			return records, err
		}
		for d.PeekKind() != ']' {
			v, err := d.ReadValue()
			if err != nil {
				return records, err
			}
			records = append(records, bytes.Clone(v))
		}
		if err := expectKind(d, ']'); err != nil {
			return records, err
		}
	}
	if err := expectKind(d, '}'); err != nil {
		return records, err
	}
	if found == 0 {
		return records, errors.New("no Records")
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return records, fmt.Errorf("more after the end: %w", err)
	}
	return records, nil
}

func expectKind(d *jsontext.Decoder, want jsontext.Kind) error {
	tok, err := d.ReadToken()
	if err == nil && tok.Kind() != want {
		err = fmt.Errorf("found %s, want %s", tok.Kind(), want)
	}
	return err
}

// cleaned redacts as the reader does, and checks that this did no harm.
func cleaned(t *testing.T, rec []byte) []byte {
	t.Helper()
	lax := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	rd := new(reader)
	if _, err := rd.scan.scan(append(bytes.Clone(rec), ' '), flatDepth); err != nil {
		t.Fatalf("%s: %v", rec, err)
	}
	out, err := rd.clean(rec)
	if err != nil || !jsontext.Value(out).IsValid(lax...) {
		t.Fatalf("%s redacted is not JSON: %s, %v", rec, out, err)
	}
	return out
}

// compare says what is wrong with what came of a record, "" when nothing is.
func compare(row *Row, bad *logs.BadRecord, rec []byte) string {
	isUTF8 := jsontext.Value(rec).IsValid(jsontext.AllowDuplicateNames(true))
	if bad != nil && !bytes.Equal(bad.Raw, rec) {
		return fmt.Sprintf("raw is %q", bad.Raw)
	}
	if rejected := bad != nil && bad.Reason == ReasonNotUTF8; rejected == isUTF8 {
		return fmt.Sprintf("valid UTF-8 is %t, reject is %v", isUTF8, bad)
	}
	if jsontext.Value(rec).Kind() != '{' {
		if bad == nil || isUTF8 && bad.Reason != ReasonNotObject {
			return fmt.Sprintf("no object, but reject is %v", bad)
		}
		return ""
	}
	if !isUTF8 {
		return ""
	}
	want, twice := membersOf(rec)
	if bad != nil {
		if twice && bad.Reason != ReasonDuplicate {
			return "a name twice, but reject is " + bad.Error()
		}
		return ""
	}
	if twice {
		return "a name twice, but no reject"
	}
	return compareFields(row, want)
}

// compareFields looks for every field of a record in its row.
func compareFields(row *Row, want map[string]jsontext.Value) string {
	extra := map[string]jsontext.Value{}
	if row.Extra != nil {
		var twice bool
		if extra, twice = membersOf(row.Extra); twice {
			return "extra has a name twice"
		}
	}
	for name, got := range map[string]logs.Text{
		"eventVersion": row.EventVersion, "eventSource": row.EventSource, "eventName": row.EventName,
		"awsRegion": row.AWSRegion, "sourceIPAddress": row.SourceIPAddress, "errorCode": row.ErrorCode,
		"errorMessage": row.ErrorMessage, "requestID": row.RequestID, "eventID": row.EventID,
		"eventType": row.EventType, "recipientAccountId": row.RecipientAccountID,
		"sharedEventID": row.SharedEventID, "vpcEndpointId": row.VPCEndpointID,
		"vpcEndpointAccountId": row.VPCEndpointAccountID, "eventCategory": row.EventCategory,
	} {
		if !sameText(got, want[name]) {
			return fmt.Sprintf("%s is %q, want %s", name, got, want[name])
		}
		delete(want, name)
	}
	if ua := row.UserAgent; !sameText(ua, want["userAgent"]) && !sameText(logs.Text("["+string(ua)+"]"), want["userAgent"]) {
		return fmt.Sprintf("userAgent is %q, want %s", ua, want["userAgent"])
	}
	for name, got := range map[string]logs.Text{
		"userIdentity": row.UserIdentity, "requestParameters": row.RequestParameters,
		"responseElements": row.ResponseElements, "additionalEventData": row.AdditionalEventData,
		"resources": row.Resources, "addendum": row.Addendum, "tlsDetails": row.TLSDetails,
		"serviceEventDetails": row.ServiceEventDetails,
	} {
		if isNull := want[name] == nil || want[name].Kind() == 'n'; isNull != (got == nil) || !isNull && !bytes.Equal(got, want[name]) {
			return fmt.Sprintf("%s is %s, want %s", name, got, want[name])
		}
		delete(want, name)
	}
	for name, got := range map[string]logs.Bool{
		"readOnly": row.ReadOnly, "managementEvent": row.ManagementEvent,
		"sessionCredentialFromConsole": row.SessionCredentialFromConsole,
	} {
		if got.OK || want[name].Kind() == 'n' {
			delete(want, name)
		}
	}
	delete(want, "userAgent")
	delete(want, "eventTime")
	for name, v := range want {
		if !bytes.Equal(extra[name], v) {
			return fmt.Sprintf("%q is lost: extra is %s", name, row.Extra)
		}
	}
	if len(extra) != len(want) {
		return fmt.Sprintf("extra has %d fields, want %d: %s", len(extra), len(want), row.Extra)
	}
	return ""
}

func sameText(got logs.Text, want jsontext.Value) bool {
	switch {
	case want == nil || want.Kind() == 'n':
		return got == nil
	case want.Kind() != '"':
		return bytes.Equal(got, want)
	}
	s, err := jsontext.AppendUnquote(nil, want)
	return err == nil && got != nil && bytes.Equal(s, got)
}

// membersOf returns the members of an object as jsontext reads them.
func membersOf(rec []byte) (members map[string]jsontext.Value, twice bool) {
	d := jsontext.NewDecoder(bytes.NewReader(rec), jsontext.AllowDuplicateNames(true))
	members = make(map[string]jsontext.Value)
	if _, err := d.ReadToken(); err != nil {
		return members, false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return members, twice
		}
		key := name.String()
		v, err := d.ReadValue()
		if err != nil {
			return members, twice
		}
		_, seen := members[key]
		twice = twice || seen
		members[key] = bytes.Clone(v)
	}
	return members, twice
}

// compareParts says which column that is of another one's text does not follow from
// that text alone: from a record that has nothing else.
func compareParts(row *Row) string {
	for _, whole := range []struct {
		field string
		text  logs.Text
	}{{"userIdentity", row.UserIdentity}, {"tlsDetails", row.TLSDetails}, {"resources", row.Resources}} {
		if whole.text == nil {
			continue
		}
		alone := fmt.Appendf(nil, `{"Records":[{"eventTime":"2026-11-22T08:15:30Z",%q:%s}]}`, whole.field, whole.text)
		for other, err := range new(reader).Read(&logs.Input{Key: "k"}, bytes.NewReader(alone)) {
			if err != nil {
				return fmt.Sprintf("%s alone: %v", whole.field, err)
			}
			got, want := reflect.ValueOf(row).Elem(), reflect.ValueOf(other).Elem()
			for i := range got.NumField() {
				f := got.Type().Field(i)
				if of := columnOf[whole.field]; f.Tag.Get("of") != of && f.Tag.Get("again") != againOf[of] {
					continue
				}
				if got, want := got.Field(i).Bytes(), want.Field(i).Bytes(); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
					return fmt.Sprintf("%s is %q, and %q of its text alone", f.Name, got, want)
				}
			}
		}
	}
	return ""
}

// columnOf names the columns of fields that others are parts of, and againOf what says
// that such a column and its parts repeat.
var (
	columnOf = map[string]string{"userIdentity": "user_identity", "tlsDetails": "tls_details", "resources": "resources"}
	againOf  = map[string]string{"user_identity": "Caller", "tls_details": "Connection", "resources": "no such field"}
)

// TestParts: of every sample record, columns that are of another one's text follow
// from it, and each of those that say so is looked at.
func TestParts(t *testing.T) {
	parts := map[string]int{}
	for _, content := range samples(t) {
		for row, err := range new(reader).Read(&logs.Input{Key: "k"}, bytes.NewReader(content)) {
			if err != nil {
				continue // a reject, or a sample of what is no log
			}
			if complaint := compareParts(row); complaint != "" {
				t.Error(complaint)
			}
			v := reflect.ValueOf(row).Elem()
			for i := range v.NumField() {
				tag := v.Type().Field(i).Tag
				whole := tag.Get("of")
				for column, again := range againOf {
					if tag.Get("again") == again && !strings.HasPrefix(tag.Get("col"), column+",") {
						whole = column
					}
				}
				if whole != "" && !v.Field(i).IsNil() {
					parts[whole]++
				}
			}
		}
	}
	for _, column := range columnOf {
		if parts[column] == 0 {
			t.Errorf("no sample has a part of %s", column)
		}
		delete(parts, column)
	}
	if len(parts) > 0 {
		t.Errorf("parts of columns that nothing looks at: %v", parts)
	}
}
