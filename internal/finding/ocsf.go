package finding

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// Sizes of the OCSF document. A message of up to 64 KB is one SNS request and
// fits everywhere behind it; SNS takes 256 KB with attributes.
const (
	targetSize = 64 << 10
	maxSize    = 200_000
)

// Limits in characters, as shown.
const (
	maxName  = 256
	maxText  = 1024 // an object key's length
	maxTitle = 200
	maxDesc  = 2000
	maxTodo  = 4000
	maxAgent = 256
	maxTags  = 40
	maxGroup = 16
)

// OCSF is the finding as an OCSF 1.8.0 Detection Finding (class 2004, profile
// cloud; https://schema.ocsf.io/1.8.0/classes/detection_finding), cleaned,
// redacted and small enough for SNS: samples are halved until it is, and then
// metadata.is_truncated says so. The same finding gives the same bytes.
func (f *Finding) OCSF() ([]byte, error) {
	evidence := f.Evidence[:min(len(f.Evidence), MaxEvidence)]
	sources := f.Sources[:min(len(f.Sources), MaxSources)]
	for truncated := false; ; truncated = true {
		b, err := json.Marshal(f.document(evidence, sources, truncated))
		if err != nil {
			return nil, fmt.Errorf("finding %s: write as ocsf: %w", f.UID, err)
		}
		switch {
		case len(b) <= targetSize, len(evidence)+len(sources) == 0 && len(b) <= maxSize:
			return b, nil
		case len(evidence)+len(sources) == 0:
			return nil, fmt.Errorf("finding %s: write as ocsf: %d bytes, %d are the limit", f.UID, len(b), maxSize)
		}
		evidence = evidence[:len(evidence)/2]
		sources = sources[:len(sources)/2]
	}
}

func (f *Finding) document(evidence []Evidence, sources []string, truncated bool) document {
	d := document{
		ActivityID: 1, ActivityName: "Create", TypeUID: 200401, TypeName: "Detection Finding: Create",
		CategoryUID: 2, CategoryName: "Findings", ClassUID: 2004, ClassName: "Detection Finding",
		Time: f.Created.UnixMilli(), StartTime: int64(f.First), EndTime: int64(f.Last), Count: count32(f.Count),
		SeverityID: severityOf(f.Rule.Level).id, Severity: severityOf(f.Rule.Level).name,
		StatusID: 1, Status: "New", IsAlert: f.Alert,
		Message: f.headline(),
		Metadata: metadata{
			Version: "1.8.0", Profiles: []string{"cloud"}, UID: f.MessageUID(), CorrelationUID: f.UID,
			Product:   product{Name: "Sluice", Vendor: "Sluice"},
			EventCode: shown(f.Rule.ID, maxName), LogName: shown(f.Rule.Service, maxName), LogProvider: "AWS",
			Truncated: truncated,
		},
		Cloud: cloud{Provider: "AWS", Account: accountOf(f.Account), Region: shown(f.Region, maxName)},
		Info: info{
			UID: f.UID, Title: shown(f.Rule.Title, maxTitle), Desc: prose(f.Rule.Description, maxDesc),
			FirstSeen: int64(f.First), LastSeen: int64(f.Last), Created: f.Created.UnixMilli(),
			Analytic: f.analytic(), Attacks: ocsfAttacks(f.Rule.Tags), Related: count32(f.Count),
		},
		Unmapped: f.unmapped(sources),
	}
	if f.Step > 1 && !f.Unheard {
		d.ActivityID, d.ActivityName, d.TypeUID, d.TypeName = 2, "Update", 200402, "Detection Finding: Update"
	}
	if f.Rule.Type != "" {
		d.Info.Types = []string{shown(f.Rule.Type, maxName)}
	}
	if f.Bucket != "" {
		name := shown(f.Bucket, maxName)
		d.Resources = []resource{{
			UID: "arn:" + partition(f.Region) + ":s3:::" + name, Name: name, Type: "AWS::S3::Bucket",
			Role: "Target", RoleID: 1, Region: shown(f.Region, maxName),
		}}
	}
	if todo := prose(f.Rule.Response, maxTodo); todo != "" {
		d.Remediation = &remediation{Desc: todo}
	}
	for _, e := range evidence {
		d.Evidences = append(d.Evidences, e.ocsf())
	}
	d.Observables = f.observables(evidence)
	return d
}

// headline is what happened, in one line.
func (f *Finding) headline() string {
	s := shown(f.Rule.Title, maxTitle)
	if f.Bucket != "" {
		s += " in " + shown(f.Bucket, maxName)
	}
	if f.Step > 1 {
		s += fmt.Sprintf(", now %d times the threshold", f.Step)
	}
	return s
}

func (f *Finding) analytic() analytic {
	a := analytic{
		Type: "Rule", TypeID: 1, Category: "Sigma",
		UID: shown(f.Rule.ID, maxName), Name: shown(f.Rule.Title, maxTitle), Version: shown(f.Rule.Version, maxName),
	}
	if f.Rule.Correlation != "" {
		a.Category = "Sigma correlation " + shown(f.Rule.Correlation, maxName)
	}
	return a
}

func (f *Finding) unmapped(sources []string) unmapped {
	u := unmapped{
		Step: f.Step, Level: shown(f.Rule.Level, maxName), Owner: shown(f.Owner, maxName),
		Events: f.Count, Measure: shown(f.Measure, maxName), Value: f.Value, AtLeast: f.AtLeast, Threshold: f.Threshold,
		Period: int64(f.Period), PeriodEnd: int64(f.PeriodEnd), Group: groupOf(f.Group),
	}
	for _, s := range sources {
		u.Sources = append(u.Sources, shown(s, maxText))
	}
	return u
}

// ocsf is a record as evidence. What the request said of itself has a place in
// the schema, but for the key.
func (e Evidence) ocsf() evidence {
	v := evidence{UID: shown(e.RequestID, maxName), Data: data{
		Time: int64(e.Time), Key: shown(e.Key, maxText), LogKey: shown(e.LogKey, maxText), LogLine: e.LogLine,
		Ambiguous: e.Ambiguous,
	}}
	if e.BytesSent.OK {
		v.Data.BytesSent = &e.BytesSent.V
	}
	if e.Requester != "" || e.Account != "" {
		v.Actor = &actor{User: user{UID: shown(e.Requester, maxText), Account: accountOf(e.Account)}}
	}
	if e.Operation != "" {
		v.API = &api{Operation: shown(e.Operation, maxName)}
		if e.Status.OK || e.ErrorCode != "" {
			v.API.Response = &response{Error: shown(e.ErrorCode, maxName)}
			if e.Status.OK {
				code := count32(e.Status.V)
				v.API.Response.Code = &code
			}
		}
	}
	switch ip, ok := address(e.RemoteIP); {
	case ok:
		v.Source = &endpoint{IP: ip}
	case e.RemoteIP != "": // the DNS name of an AWS service
		v.Source = &endpoint{Service: shown(e.RemoteIP, maxName)}
	}
	if e.UserAgent != "" {
		v.Request = &request{UserAgent: shown(e.UserAgent, maxAgent)}
	}
	if e.TLSVersion != "" {
		v.TLS = &tls{Version: shown(e.TLSVersion, maxName)}
	}
	if e.Bucket != "" {
		v.Bucket = &bucket{Type: "S3", TypeID: 1, Name: shown(e.Bucket, maxName)}
	}
	if e.RequestURI != "" {
		v.URL = &link{URL: shown(target(e.RequestURI), maxText)}
	}
	return v
}

// observables are what other systems search for: addresses, callers, buckets.
func (f *Finding) observables(evidence []Evidence) []observable {
	var all []observable
	add := func(o observable) {
		if o.Value != "" && len(all) < 2*MaxEvidence && !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	add(observable{"resources[].name", "Resource Details: name", 38, shown(f.Bucket, maxName)})
	for _, e := range evidence {
		if ip, ok := address(e.RemoteIP); ok {
			add(observable{"evidences[].src_endpoint.ip", "IP Address", 2, ip})
		}
		add(observable{"evidences[].actor.user.uid", "User: uid", 31, shown(e.Requester, maxText)})
	}
	return all
}

func ocsfAttacks(tags []string) []ocsfAttack {
	var all []ocsfAttack
	for _, a := range attacks(tags) {
		all = append(all, ocsfAttack{attackVersion, idName(a.tactic), idName(a.technique), idName(a.sub)})
	}
	return all
}

func idName(n named) *uidName {
	if n.id == "" {
		return nil
	}
	return &uidName{n.id, n.name}
}

func accountOf(id string) *account {
	if id == "" {
		return nil
	}
	return &account{UID: shown(id, maxName), Type: "AWS Account", TypeID: 10}
}

// address is s as an IP address is written; a zone is no part of one.
func address(s string) (string, bool) {
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Zone() != "" {
		return "", false
	}
	return ip.String(), true
}

// target takes method and protocol off a request line.
func target(line string) string {
	if i := strings.IndexByte(line, ' '); i >= 0 {
		line = line[i+1:]
	}
	if i := strings.LastIndex(line, " HTTP/"); i >= 0 {
		line = line[:i]
	}
	return line
}

// partition is the ARN's word for the part of AWS that a region is in.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// count32 is n as OCSF's integer, which has 32 bits; unmapped has it whole.
func count32(n int64) int64 { return min(max(n, math.MinInt32), math.MaxInt32) }
