package record_test

import (
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/internal/detect/record"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// line is one request as S3 logs it: a presigned link over TLS, refused.
const line = `ownerid example-reports [22/Nov/2026:08:15:30 +0000] 192.0.2.17 arn:aws:sts::111122223333:assumed-role/web/session REQEXAMPLE000001 ` +
	`REST.GET.OBJECT 2026/Q3%2520report.pdf "GET /2026/Q3%20report.pdf?X-Amz-Expires=900&X-Amz-Signature=abc HTTP/1.1" 403 AccessDenied 243 - 7 - "-" "curl/8.5.0" - ` +
	`hostidexample= SigV4 TLS_AES_128_GCM_SHA256 QueryString example-reports.s3.eu-central-1.amazonaws.com TLSv1.3 - Yes`

// first returns the only row of a file, as its format's reader gives it.
func first[R any](t testing.TB, f logs.Format[R], content string) *R {
	t.Helper()
	next, stop := iter.Pull2(f.NewReader().Read(&logs.Input{Key: "logs/file"}, strings.NewReader(content)))
	t.Cleanup(stop)
	row, err, ok := next()
	if err != nil || !ok {
		t.Fatalf("no row: %v, of %s", err, content)
	}
	return row
}

func lookup(t testing.TB, s sigma.Schema, name string) sigma.Field {
	t.Helper()
	f, ok := s.Lookup(name)
	if !ok {
		t.Fatalf("no field %s", name)
	}
	return f
}

func TestAccessFields(t *testing.T) {
	var a record.Access
	a.Set(first(t, s3access.Format, line+"\n"))
	for name, want := range map[string]sigma.Value{
		"bucket_name":         {Kind: sigma.Text, Present: true, Text: []byte("example-reports")},
		"key_name":            {Kind: sigma.Text, Present: true, Text: []byte("2026/Q3 report.pdf")},
		"http_status":         {Kind: sigma.Int, Present: true, Num: 403},
		"object_size":         {Kind: sigma.Int}, // "-" is absent, not 0
		"referer":             {Kind: sigma.Text},
		"bytes_sent_size":     {Kind: sigma.Int, Present: true, Num: 243},
		"request_time":        {Kind: sigma.Time, Present: true, Num: 1795335330000},
		"acl_required":        {Kind: sigma.Bool, Present: true, Num: 1},
		"authenticated":       {Kind: sigma.Bool, Present: true, Num: 1},
		"escaped":             {Kind: sigma.Bool, Present: true},
		"requester_account":   {Kind: sigma.Text, Present: true, Text: []byte("111122223333")},
		"requester_name":      {Kind: sigma.Text, Present: true, Text: []byte("web")},
		"presign_expires":     {Kind: sigma.Int, Present: true, Num: 900},
		"log_line":            {Kind: sigma.Int, Present: true, Num: 1},
		"authentication_type": {Kind: sigma.Text, Present: true, Text: []byte("QueryString")},
	} {
		if got := a.Field(lookup(t, record.AccessSchema(), name).ID); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	if got := a.Field(9999); got.Present {
		t.Errorf("a field that there is not: got %+v", got)
	}
}

// TestEveryColumnIsAField: each column, set to something, is what the field of
// its name and no other holds.
func TestEveryColumnIsAField(t *testing.T) {
	schema := record.AccessSchema()
	typ := reflect.TypeFor[s3access.Row]()
	names := slices.DeleteFunc(schema.Names(), func(name string) bool { return strings.HasPrefix(name, "derived.") })
	columns := 0
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("col"), ",")
		if name == "" {
			continue
		}
		columns++
		f := lookup(t, schema, name)
		var row s3access.Row
		var want sigma.Value
		switch c := reflect.ValueOf(&row).Elem().Field(i).Addr().Interface().(type) {
		case *logs.Text:
			*c, want = logs.Text("x"), sigma.Value{Kind: sigma.Text, Present: true, Text: []byte("x")}
		case *logs.Int:
			*c, want = logs.SomeInt(7), sigma.Value{Kind: sigma.Int, Present: true, Num: 7}
		case *logs.Bool:
			*c, want = logs.SomeBool(true), sigma.Value{Kind: sigma.Bool, Present: true, Num: 1}
		case *logs.Time:
			*c, want = 7, sigma.Value{Kind: sigma.Time, Present: true, Num: 7}
		case *logs.Int64:
			*c, want = 7, sigma.Value{Kind: sigma.Int, Present: true, Num: 7}
		}
		var a record.Access
		a.Set(&row)
		if got := a.Field(f.ID); !reflect.DeepEqual(got, want) || got.Kind != f.Kind {
			t.Errorf("%s: got %+v, want %+v of kind %s", name, got, want, f.Kind)
		}
		if got, ok := placed(a.Place(f.ID)); ok && !reflect.DeepEqual(got, want) || !ok && f.Kind == sigma.Text {
			t.Errorf("%s: got %+v at its place, want %+v", name, got, want)
		}
		for _, other := range names {
			if v := a.Field(lookup(t, schema, other).ID); other != name && (v.Num != 0 || v.Text != nil) {
				t.Errorf("%s is set, and %s is %+v", name, other, v)
			}
		}
	}
	if len(names) != columns {
		t.Errorf("%d fields, %d columns", len(names), columns)
	}
}

// placed is what stands at a place.
func placed(p sigma.Place) (v sigma.Value, ok bool) {
	switch {
	case p.Text != nil:
		return sigma.Value{Kind: sigma.Text, Present: *p.Text != nil, Text: *p.Text}, true
	case p.Num != nil:
		return sigma.Value{Kind: sigma.Int, Present: *p.OK, Num: *p.Num}, true
	case p.Flag != nil && *p.Flag:
		return sigma.Value{Kind: sigma.Bool, Present: *p.OK, Num: 1}, true
	}
	return sigma.Value{Kind: sigma.Bool, Present: p.OK != nil && *p.OK}, p.OK != nil
}

// TestPlaces: a place stays where it is, and holds what the next row has.
func TestPlaces(t *testing.T) {
	var a record.Access
	rows := []*s3access.Row{
		{BucketName: logs.Text("one"), HTTPStatus: logs.SomeInt(200), Presigned: logs.SomeBool(true)},
		{BucketName: logs.Text{}, HTTPStatus: logs.SomeInt(0), Presigned: logs.SomeBool(false)},
		{},
	}
	a.Set(rows[0])
	for _, name := range []string{"bucket_name", "http_status", "presigned"} {
		id := lookup(t, record.AccessSchema(), name).ID
		place := a.Place(id)
		for i, row := range rows {
			a.Set(row)
			if got, ok := placed(place); !ok || !reflect.DeepEqual(got, a.Field(id)) {
				t.Errorf("row %d: %s is %+v at its place, want %+v", i, name, got, a.Field(id))
			}
		}
	}
	for _, name := range []string{"derived.remote_net", "request_time", "line_hash"} {
		if p := a.Place(lookup(t, record.AccessSchema(), name).ID); p != (sigma.Place{}) {
			t.Errorf("%s has a place and is no text, number or truth that may be absent", name)
		}
	}
}

func TestAccessLookup(t *testing.T) {
	schema := record.AccessSchema()
	for _, name := range []string{"", "Operation", "operation ", "eventName", "derived.policy_public", "dt"} {
		if f, ok := schema.Lookup(name); ok {
			t.Errorf("%q: got %+v, want none", name, f)
		}
	}
	if f := lookup(t, schema, "operation"); !f.Key || !f.Few {
		t.Errorf("operation: got %+v, want the key", f)
	}
	if f := lookup(t, schema, "request_id"); f.Few {
		t.Errorf("request_id: got %+v, unique values are not few", f)
	}
	if got := schema.Service(); got != "s3_server_access" {
		t.Errorf("service: got %s", got)
	}
}
