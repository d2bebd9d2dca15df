package generate

import (
	"fmt"
	"strconv"
)

// Scenario is something an attacker leaves behind in the logs, by name.
type Scenario struct {
	Name    string
	Title   string
	Summary string // one sentence
}

type scenario struct {
	Scenario
	plant func(*plot)
}

// Scenarios lists what can be planted, for help texts and for choosing.
func Scenarios() []Scenario {
	var list []Scenario
	for _, s := range scenarios {
		list = append(list, s.Scenario)
	}
	return list
}

var scenarios = []scenario{
	{Scenario{"anonymous-read", "Private files read without credentials",
		"Someone without credentials lists a private bucket and then reads customers' invoices, successfully."}, plantAnonymousRead},
	{Scenario{"key-guessing", "Keys guessed from one address",
		"One address walks through the names of files that are often left lying about; every answer is 403 or 404."}, plantKeyGuessing},
	{Scenario{"mass-download", "A bucket copied out",
		"A role's session credentials, used from outside AWS, download hundreds of files in minutes."}, plantMassDownload},
	{Scenario{"mass-delete", "Backups deleted in batches",
		"A user deletes backups with multi-object deletes, in which one request id covers many keys."}, plantMassDelete},
	{Scenario{"re-encryption", "Files encrypted with the attacker's key",
		"Objects are copied onto themselves with a customer-provided key, and a ransom note is left."}, plantReEncryption},
	{Scenario{"forged-lines", "Log lines forged through headers",
		"Quotes in request line, Referer and User-Agent imitate the fields that follow, to make a refused request look like a harmless one."}, plantForgedLines},
	{Scenario{"presigned-shared", "A presigned link passed around",
		"One presigned link to a customer's file is used from many addresses and browsers."}, plantPresignedShared},
	{Scenario{"logging-disabled", "Access logging turned off",
		"A user turns the access logging of a bucket off and then reads from it."}, plantLoggingDisabled},
	{Scenario{"public-policy", "A bucket made public",
		"The public access block of a bucket is removed, a policy for everyone is set, and strangers read at once."}, plantPublicPolicy},
	{Scenario{"denied-then-allowed", "Denied many times, then allowed",
		"A role is denied again and again, until its rights change and the same reads succeed."}, plantDeniedThenAllowed},
}

func plantAnonymousRead(p *plot) {
	b, usual := p.w.bucket("harbor-customer-exports"), p.usual()
	const ip, agent = "203.0.113.24", "curl/8.5.0"
	r := p.get(b, "", nil, ip, agent)
	r.op, r.key, r.size, r.sent = opList, nil, absent, 48_213
	p.t.requestLine("GET", "?list-type=2", "")
	p.both(r)
	for i := range min(p.size, 1000) {
		p.step(8)
		p.both(p.get(b, string(b.appendKey(nil, i)), nil, ip, agent))
	}
	p.expect("anonymous_listing", "bucket_name", b.name)
	p.expect("anonymous_dump", "bucket_name", b.name, "derived.remote_net", ip)
	if usual {
		p.expect("first_anonymous_read", "bucket_name", b.name, "authenticated", "false")
	}
}

func plantKeyGuessing(p *plot) {
	b := p.w.bucket("harbor-uploads")
	const ip = "203.0.113.77"
	dirs := []string{"", "backup/", "admin/", "old/", "www/", "data/", "private/", "dev/"}
	for i := range p.size {
		key := dirs[i/len(probes)%len(dirs)] + probes[i%len(probes)]
		if n := i / (len(probes) * len(dirs)); n > 0 {
			key += "." + strconv.Itoa(n)
		}
		r := p.get(b, key, nil, ip, "Mozilla/5.0 (compatible; dirwalk)")
		if i%16 == 5 {
			p.t.fail(404, "NoSuchKey")
		} else {
			p.t.fail(403, "AccessDenied")
		}
		p.line(r)
		if r.err == "AccessDenied" && i%4 == 0 {
			p.record(r, "")
			p.run.tally.joined++
		}
		p.step(3)
	}
	p.expect("key_guessing", "bucket_name", b.name, "derived.remote_net", ip)
}

func plantMassDownload(p *plot) {
	b := p.w.bucket("harbor-data-lake")
	s := p.w.sessionFor(p.d, "", "etl-nightly", "i-0c0ffee0c0ffee001", "198.51.100.99",
		"aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/linux#6.6.9-kali1-amd64 md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.sync")
	for i := range p.size {
		r := p.get(b, string(b.appendKey(nil, i)), s, "", "")
		r.size = b.size(i) | 1<<22
		r.sent = r.size
		p.both(r)
		p.step(3)
	}
	p.expect("offensive_tool", "bucket_name", b.name, "derived.principal", s.bearer())
}

func plantMassDelete(p *plot) {
	b := p.w.bucket("harbor-backups")
	s := p.w.sessionFor(p.d, "contractor-7", "", "", "198.51.100.141", "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/windows#10 md/arch#amd64 lang/python#3.12.1 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.69")
	batch := min(100, p.size/4)
	for left, rank := p.size, 0; left > 0; left -= batch {
		n := min(left, batch)
		r := p.get(b, "", s, "", "")
		r.op, r.key, r.size, r.sent = opMultiDelete, nil, absent, int64(60+85*n)
		p.t.requestLine("POST", "?delete", "")
		p.both(r)
		for range n {
			p.t.rank = rank
			p.t.member()
			p.line(r)
			// CloudTrail describes each key as a request of its own, under the same id.
			p.record(&request{bucket: b, at: r.at, op: opBatchDelete, by: s, ip: r.ip, requester: r.requester, id: r.id, host: r.host,
				key: r.key, sent: absent, size: absent, agent: s.agent, sig: r.sig, cipher: r.cipher, tls: r.tls, auth: r.auth, endpoint: r.endpoint}, "")
			p.run.tally.joined++
			rank++
		}
		p.step(20)
	}
	p.expect("mass_delete_by_user", "bucket_name", b.name, "derived.principal", s.bearer())
}

func plantReEncryption(p *plot) {
	b := p.w.bucket("harbor-customer-exports")
	s := p.w.sessionFor(p.d, "deploy-legacy", "", "", "203.0.113.180", "aws-sdk-go-v2/1.36.0 os/linux lang/go#1.24.1 md/GOOS#linux md/GOARCH#amd64 api/s3#1.78.0")
	for i := range p.size {
		r := p.get(b, string(b.appendKey(nil, i)), s, "", "")
		p.t.copyBuf = append(append(append(p.t.copyBuf[:0], b.name...), '/'), r.key...)
		r.op, r.copySource, r.customerKey, r.sent = opCopy, p.t.copyBuf, true, 234
		p.t.requestLine("PUT", "?x-id=CopyObject", "")
		p.both(r)
		p.t.copySource()
		p.line(r)
		p.step(4)
	}
	r := p.get(b, "HOW_TO_RESTORE_FILES.txt", s, "", "")
	r.op, r.sent, r.size = opPut, absent, 1187
	p.t.requestLine("PUT", "?x-id=PutObject", "")
	p.both(r)
	p.expect("customer_key_burst", "requestParameters.bucketName", b.name)
	p.expect("ransom_note", "bucket_name", b.name, "derived.principal", s.bearer())
}

func plantForgedLines(p *plot) {
	b := p.w.bucket("harbor-customer-exports")
	const ip, browser = "203.0.113.66", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	for i := range min(p.size, 120) {
		r := p.get(b, "", nil, ip, browser)
		p.t.fail(403, "AccessDenied")
		var host [76]byte
		p.d.hostID(&host)
		tail := fmt.Sprintf(`- %s SigV4 TLS_AES_128_GCM_SHA256 AuthHeader %s TLSv1.3 - - %s`, host, b.host, p.w.region)
		switch i % 4 {
		case 0: // a whole answer inside the request line
			line := fmt.Sprintf(`GET /index.html HTTP/1.1" 200 - 512 512 9 8 "-" "%s HTTP/1.1`, browser)
			p.t.uriBuf = append(p.t.uriBuf[:0], line...)
			r.uri = p.t.uriBuf
		case 1:
			r.referer = `https://app.harbor.example/" "aws-cli/2.15.30`
		case 2:
			r.referer = `https://app.harbor.example/" "aws-cli/2.15.30" ` + tail
		default:
			r.agent = `Boto3/1.34.69" "Botocore/1.34.69" ` + tail
		}
		p.forged(r)
		p.step(30)
	}
	p.expect("ambiguous_line", "bucket_name", b.name)
}

func plantPresignedShared(p *plot) {
	b := p.w.bucket("harbor-customer-exports")
	s := p.w.sessionFor(p.d, "", "report-builder", "report-job", "10.0.3.17", "Boto3/1.34.69")
	key := string(b.appendKey(nil, 3))
	made, first := p.at-30, p.get(b, key, s, "", "").size
	uri := ""
	for range min(p.size, 300) {
		ip := fmt.Sprintf("%s.%d", [...]string{"192.0.2", "198.51.100", "203.0.113"}[p.d.below(3)], p.d.between(1, 254))
		r := p.get(b, key, s, ip, p.w.browsers[p.d.below(len(p.w.browsers))])
		r.size, r.sent = first, first
		if uri == "" {
			p.t.presign(s, p.at-made, 7*secondsPerDay)
			r.sig = "SigV4"
			uri = string(r.uri)
		}
		p.t.uriBuf = append(p.t.uriBuf[:0], uri...)
		r.uri, r.auth, r.sourceRegion = p.t.uriBuf, "QueryString", "-"
		p.both(r)
		p.step(40)
	}
	p.expect("shared_link", "bucket_name", b.name, "key_name", key, "presign_access_key_id", s.accessKey)
}

// setting plants a change of bucket b's settings in both logs.
func (p *plot) setting(b *bucket, s *session, op opID, method, query, extra string, status int) {
	r := p.get(b, "", s, "", "")
	r.op, r.key, r.size, r.sent, r.status = op, nil, absent, absent, status
	p.t.requestLine(method, query, "")
	p.line(r)
	p.record(r, extra)
	p.run.tally.joined++
	p.step(20)
}

func plantLoggingDisabled(p *plot) {
	b := p.w.bucket("harbor-datasets")
	s := p.w.sessionFor(p.d, "jonas-admin", "", "", "198.51.100.7", "[S3Console/0.4, aws-internal/3]")
	p.setting(b, s, opPutLogging, "PUT", "?logging", `,"logging":"","BucketLoggingStatus":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"}`, 200)
	for i := range 12 { // logging stops an hour or more after it was turned off
		p.both(p.get(b, string(b.appendKey(nil, i)), s, "", ""))
		p.step(15)
	}
	p.expect("logging_changed", "bucket_name", b.name, "derived.principal", s.bearer())
	p.expect("trail_access_logging_off", "requestParameters.bucketName", b.name, "derived.principal", s.issuer())
}

func plantPublicPolicy(p *plot) {
	b, usual := p.w.bucket("harbor-media"), p.usual()
	s := p.w.sessionFor(p.d, "", "ci-deploy", "release@harbor.example", "198.51.100.33", "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.82.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.0 os/linux lang/go#1.23.3")
	p.setting(b, s, opDeleteBlock, "DELETE", "?publicAccessBlock", `,"publicAccessBlock":""`, 204)
	p.setting(b, s, opPutPolicy, "PUT", "?policy", fmt.Sprintf(`,"policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"Share","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`, b.name), 204)
	for i := range 20 {
		p.both(p.get(b, string(b.appendKey(nil, i)), nil, fmt.Sprintf("192.0.2.%d", 10+i%5), "python-requests/2.32.3"))
		p.step(30)
	}
	for _, rule := range []string{"public_access_block_changed", "bucket_policy_changed"} {
		p.expect(rule, "bucket_name", b.name, "derived.principal", s.bearer())
	}
	for _, rule := range []string{"trail_public_access_block_off", "trail_policy_made_public"} {
		p.expect(rule, "requestParameters.bucketName", b.name, "derived.principal", s.issuer())
	}
	p.expect("public_then_read", "requestParameters.bucketName", b.name)
	if usual {
		p.expect("first_anonymous_read", "bucket_name", b.name, "authenticated", "false")
	}
}

func plantDeniedThenAllowed(p *plot) {
	b := p.w.bucket("harbor-backups")
	s := p.w.sessionFor(p.d, "", "thumbnailer", "probe", "203.0.113.200", "aws-sdk-js/3.654.0 ua/2.0 os/linux#6.1.0 lang/js md/nodejs#20.17.0 api/s3#3.654.0")
	for i := range 60 {
		r := p.get(b, string(b.appendKey(nil, i%20)), s, "", "")
		if i < 40 {
			p.t.fail(403, "AccessDenied")
		}
		p.both(r)
		p.step(12)
	}
	p.expect("denied_then_allowed", "bucket_name", b.name, "derived.principal", s.bearer())
}
