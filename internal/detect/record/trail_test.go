package record_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/internal/detect/record"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/sigma"
)

// event is a CloudTrail record with something of every shape.
const event = `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/deploy/s",` +
	`"accountId":"111122223333","sessionContext":{"sessionIssuer":{"userName":"deploy"},"attributes":{"mfaAuthenticated":"false"}}},` +
	`"eventTime":"2026-11-22T08:15:30.250Z","eventSource":"ecs.amazonaws.com","eventName":"RegisterTaskDefinition","awsRegion":"eu-central-1",` +
	`"sourceIPAddress":"192.0.2.17","userAgent":"[TruffleHog]","requestParameters":{"bucketName":"example","key":{"pk":"a"},` +
	`"containerDefinitions":[{"command":["sh","-c"],"cpu":1},{"name":"x"},{"command":["curl"]},{"command":null}],` +
	`"enable":false,"count":353.0,"ratio":1.5,"big":123456789012345678901,"none":null,"empty":"","list":[],"dotted.name":"d",` +
	`"t\u0065xt":"a\u00e9\"b","nested":{"a":{"b":[{"c":1},[{"c":2}],{"c":[3,4]}]}},"lists":[{"l":[]},{"l":[]}]},` +
	`"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"bytesTransferredOut":353.0,"MFAUsed":"No","CipherSuite":["one"]},` +
	`"requestID":"r-1","eventID":"e-1","readOnly":"true","resources":[{"ARN":"arn:one","accountId":"1"},{"arn":"arn:two"}],` +
	`"apiVersion":"2014-11-13","novelty":{"deep":{"er":7}},"recipientAccountId":"111122223333"}`

func text(s string) sigma.Value {
	return sigma.Value{Kind: sigma.Text, Present: true, Text: []byte(s)}
}

func number(n int64) sigma.Value { return sigma.Value{Kind: sigma.Int, Present: true, Num: n} }

func raw(s string) sigma.Value {
	return sigma.Value{Kind: sigma.JSON, Present: true, Text: []byte(s)}
}

func boolean(v bool) sigma.Value {
	if v {
		return sigma.Value{Kind: sigma.Bool, Present: true, Num: 1}
	}
	return sigma.Value{Kind: sigma.Bool, Present: true}
}

// parsed is the record as the real parser gives it to rules.
func parsed(t testing.TB, s *record.TrailSchema, event string) *record.Trail {
	t.Helper()
	r := record.NewTrail(s)
	r.Set(first(t, cloudtrail.Format, `{"Records":[`+event+`]}`))
	return r
}

func TestTrailFields(t *testing.T) {
	schema := record.NewTrailSchema(nil)
	cases := []struct {
		name string
		want sigma.Value
	}{
		{"eventName", text("RegisterTaskDefinition")},
		{"eventTime", sigma.Value{Kind: sigma.Time, Present: true, Num: 1795335330250}},
		{"userAgent", text("TruffleHog")}, // without CloudTrail's brackets
		{"errorCode", sigma.Value{}},
		{"readOnly", boolean(true)},
		{"managementEvent", sigma.Value{Kind: sigma.Bool}},
		{"userIdentity.arn", text("arn:aws:sts::111122223333:assumed-role/deploy/s")},
		{"userIdentity.userName", sigma.Value{}},
		{"userIdentity.sessionContext.sessionIssuer.userName", text("deploy")},
		{"userIdentity.sessionContext.attributes.mfaAuthenticated", text("false")},
		{"userIdentity.sessionContext.sessionIssuer", raw(`{"userName":"deploy"}`)},
		{"requestParameters.bucketName", text("example")},
		{"requestParameters.key", raw(`{"pk":"a"}`)}, // not S3's key: the column has none
		{"requestParameters.key.pk", text("a")},
		{"requestParameters.containerDefinitions.command", raw(`["sh","-c","curl"]`)},
		{"requestParameters.containerDefinitions.cpu", number(1)},
		{"requestParameters.enable", boolean(false)},
		{"requestParameters.count", number(353)},
		{"requestParameters.ratio", raw("1.5")},
		{"requestParameters.big", raw("123456789012345678901")},
		{"requestParameters.none", sigma.Value{}},
		{"requestParameters.missing.too", sigma.Value{}},
		{"requestParameters.empty", text("")},
		{"requestParameters.empty.below", sigma.Value{}},
		{"requestParameters.list", raw("[]")},
		{"requestParameters.lists.l", raw("[]")},
		{"requestParameters.dotted.name", text("d")},
		{"requestParameters.text", text(`aé"b`)},
		{"requestParameters.nested.a.b.c", raw("[1,2,3,4]")},
		{"requestParameters.nested.a", raw(`{"b":[{"c":1},[{"c":2}],{"c":[3,4]}]}`)},
		{"responseElements", raw(`{"ConsoleLogin":"Success"}`)},
		{"responseElements.ConsoleLogin", text("Success")},
		{"additionalEventData.MFAUsed", text("No")},
		{"additionalEventData.bytesTransferredOut", number(353)},
		{"additionalEventData.bytesTransferredIn", sigma.Value{Kind: sigma.Int}},
		{"additionalEventData.CipherSuite", raw(`["one"]`)},
		{"resources.ARN", raw(`["arn:one","arn:two"]`)},
		{"resources.arn", raw(`["arn:one","arn:two"]`)},
		{"resources.accountId", text("1")},
		{"apiVersion", text("2014-11-13")},
		{"extra.novelty.deep.er", number(7)},
		{"tlsDetails", sigma.Value{}},
		{"tlsDetails.tlsVersion", sigma.Value{}},
		{"addendum.reason", sigma.Value{}},
	}
	fields := make([]sigma.Field, len(cases))
	for i, c := range cases {
		fields[i] = lookup(t, schema, c.name)
	}
	r := parsed(t, schema, event)
	for _, pass := range []string{"first", "again"} {
		for i, c := range cases {
			got := r.Field(fields[i].ID)
			if !got.Present && !c.want.Present {
				continue
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %s: got %+v %q, want %+v %q", pass, c.name, got, got.Text, c.want, c.want.Text)
			}
			if fields[i].Kind != got.Kind && fields[i].Kind != sigma.JSON {
				t.Errorf("%s: a value of kind %s in a field of kind %s", c.name, got.Kind, fields[i].Kind)
			}
		}
	}
	// The next record is not the last one.
	r.Set(first(t, cloudtrail.Format, `{"Records":[{"eventTime":"2026-11-22T08:15:31Z","requestParameters":"omitted","responseElements":null}]}`))
	for i, c := range cases {
		if got := r.Field(fields[i].ID); got.Present && c.name != "eventTime" {
			t.Errorf("%s: got %+v of the record before", c.name, got)
		}
	}
	if got := r.Field(lookup(t, schema, "requestParameters").ID); !reflect.DeepEqual(got, text("omitted")) {
		t.Errorf("requestParameters that are a string: got %+v", got)
	}
}

// sigmaHQ are the fields of all CloudTrail rules that SigmaHQ had on 2026-08-05.
var sigmaHQ = strings.Fields(`
	additionalEventData.MFAUsed errorCode errorMessage eventName eventSource eventType requestParameters
	requestParameters.attribute requestParameters.containerDefinitions.command requestParameters.enable
	requestParameters.layers responseElements responseElements.ConsoleLogin
	responseElements.pendingModifiedValues.masterUserPassword responseElements.publiclyAccessible sourceIPAddress
	userAgent userIdentity.arn userIdentity.sessionContext.sessionIssuer.type userIdentity.type`)

func TestTrailLookup(t *testing.T) {
	schema := record.NewTrailSchema(nil)
	for _, name := range append(slices.Clone(sigmaHQ), schema.Names()...) {
		lookup(t, schema, name)
	}
	for _, name := range []string{
		"", ".", "eventname", "bucket_name", "userIdentity.Arn", "useridentity.arn", "requestParameter.key", "extra",
		"derived.policy_pubic", "userIdentity.", "src_ip", strings.Repeat("requestParameters.", 40),
	} {
		if f, ok := schema.Lookup(name); ok {
			t.Errorf("%q: got %+v, want none", name, f)
		}
	}
	if f := lookup(t, schema, "eventName"); !f.Key {
		t.Errorf("eventName: got %+v, want the key", f)
	}
	a, b := lookup(t, schema, "requestParameters.a.b"), lookup(t, schema, "requestParameters.a.b")
	if a != b {
		t.Errorf("one path is two fields: %+v, %+v", a, b)
	}
	if got := schema.Service(); got != "cloudtrail" {
		t.Errorf("service: got %s", got)
	}
}

// TestPathsAreBounded: rules cannot make records grow without end, and what
// they named before goes on working.
func TestPathsAreBounded(t *testing.T) {
	schema := record.NewTrailSchema(nil)
	n := 0
	for ; n < 1<<16; n++ {
		if _, ok := schema.Lookup(fmt.Sprintf("requestParameters.p%d", n)); !ok {
			break
		}
	}
	if n < 1000 || n > 10_000 {
		t.Errorf("took %d paths", n)
	}
	r := parsed(t, schema, `{"eventTime":"2026-11-22T08:15:31Z","requestParameters":{"p7":7}}`)
	if got := r.Field(lookup(t, schema, "requestParameters.p7").ID); !reflect.DeepEqual(got, number(7)) {
		t.Errorf("p7: got %+v", got)
	}
}

// TestTwiceTheSameName: who hides a value behind a second one of the same name
// shows both.
func TestTwiceTheSameName(t *testing.T) {
	schema := record.NewTrailSchema(nil)
	f := lookup(t, schema, "requestParameters.acl")
	r := parsed(t, schema, `{"eventTime":"2026-11-22T08:15:31Z","requestParameters":{"acl":"public-read","a\u0063l":"private"}}`)
	if got, want := r.Field(f.ID), raw(`["public-read","private"]`); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %q, want %q", got, got.Text, want.Text)
	}
}

func TestDescribe(t *testing.T) {
	schemas := map[string]sigma.Schema{record.AccessService: record.AccessSchema(), record.TrailService: record.NewTrailSchema(nil)}
	names := map[string][]string{}
	for _, d := range record.Describe() {
		f := lookup(t, schemas[d.Service], d.Name)
		if f.Kind != d.Kind {
			t.Errorf("%s: described as %s, is %s", d.Name, d.Kind, f.Kind)
		}
		if d.Column == "" && d.Meaning == "" {
			t.Errorf("%s: neither a column nor a meaning", d.Name)
		}
		names[d.Service] = append(names[d.Service], d.Name)
	}
	for service, s := range schemas {
		if !slices.Equal(names[service], s.Names()) {
			t.Errorf("%s: described %v, has %v", service, names[service], s.Names())
		}
	}
}

// TestAllocs: a record costs no allocation, once its buffers have grown.
func TestAllocs(t *testing.T) {
	schema := record.NewTrailSchema([]string{"111122223333"})
	var fields []sigma.FieldID
	for _, name := range append(slices.Clone(sigmaHQ), "requestParameters.text", "resources.ARN", "requestParameters.nested.a.b.c", "userIdentity.arn") {
		fields = append(fields, lookup(t, schema, name).ID)
	}
	row := first(t, cloudtrail.Format, `{"Records":[`+event+`]}`)
	r := record.NewTrail(schema)
	n := testing.AllocsPerRun(100, func() {
		r.Set(row)
		for _, id := range fields {
			r.Field(id)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}
