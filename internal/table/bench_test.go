package table

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"

	"sluice/internal/logs"
)

// request has the columns of a server access log.
type request struct {
	Owner        logs.Text  `col:"bucket_owner_id,dict"`
	Bucket       logs.Text  `col:"bucket_name,dict"`
	Time         logs.Time  `col:"request_time"`
	IP           logs.Text  `col:"remote_ip,dict"`
	Requester    logs.Text  `col:"requester,dict"`
	RequestID    logs.Text  `col:"request_id,plain"`
	Operation    logs.Text  `col:"operation,dict"`
	Key          logs.Text  `col:"key_name,dict"`
	URI          logs.Text  `col:"request_uri"`
	Status       logs.Int   `col:"http_status,dict"`
	Error        logs.Text  `col:"error_code,dict"`
	Sent         logs.Int   `col:"bytes_sent_size,dict"`
	Size         logs.Int   `col:"object_size,dict"`
	Total        logs.Int   `col:"total_duration,dict"`
	TurnAround   logs.Int   `col:"turn_around_duration,dict"`
	Referer      logs.Text  `col:"referer,dict"`
	Agent        logs.Text  `col:"user_agent,dict"`
	Version      logs.Text  `col:"version_id,dict"`
	HostID       logs.Text  `col:"host_id,plain"`
	Signature    logs.Text  `col:"signature_version,dict"`
	Cipher       logs.Text  `col:"cipher_suite,dict"`
	Auth         logs.Text  `col:"authentication_type,dict"`
	Host         logs.Text  `col:"host_header,dict"`
	TLS          logs.Text  `col:"tls_version,dict"`
	AccessPoint  logs.Text  `col:"access_point_arn,dict"`
	ACL          logs.Bool  `col:"acl_required"`
	Region       logs.Text  `col:"source_region,dict"`
	KeyLogged    logs.Text  `col:"key_logged,dict"`
	Type         logs.Text  `col:"requester_type,dict"`
	Account      logs.Text  `col:"requester_account,dict"`
	Name         logs.Text  `col:"requester_name,dict"`
	Known        logs.Bool  `col:"authenticated"`
	Method       logs.Text  `col:"http_method,dict"`
	Presigned    logs.Bool  `col:"presigned"`
	Expires      logs.Int   `col:"presign_expires,dict"`
	AccessKey    logs.Text  `col:"presign_access_key_id,dict"`
	AgentName    logs.Text  `col:"user_agent_name,dict"`
	AgentVersion logs.Text  `col:"user_agent_version,dict"`
	AgentOS      logs.Text  `col:"user_agent_os,dict"`
	BucketRegion logs.Text  `col:"bucket_region,dict"`
	Parsed       logs.Text  `col:"parse_status,dict"`
	Escaped      logs.Bool  `col:"escaped"`
	Raw          logs.Text  `col:"raw"`
	Extra        logs.Text  `col:"extra,dict"`
	Hash         logs.Int64 `col:"line_hash,plain"`
	LogKey       logs.Text  `col:"log_key,dict"`
	Line         logs.Int64 `col:"log_line"`
}

var requestTable = logs.Table[request]{
	Name: "requests",
	Time: func(r *request) logs.Time { return r.Time },
	Sort: []string{"bucket_name", "request_time"},
}

// requests makes n rows of 8 buckets, 400 clients and 250,000 keys, a few
// popular, over some days.
func requests(n, days int) []request {
	r := rand.New(rand.NewPCG(7, 7))
	keys := rand.NewZipf(r, 1.07, 20, 250_000)
	text := func(format string, a ...any) logs.Text { return fmt.Appendf(nil, format, a...) }
	type client struct{ requester, ip, agent, name, version, os, account, user logs.Text }
	var clients []client
	for i := range 400 {
		account, user := text("%012d", 111122223333+r.IntN(5)), text("app-%02d", r.IntN(30))
		clients = append(clients, client{
			requester: text("arn:aws:sts::%s:assumed-role/%s/i-%017x", account, user, r.Uint64()),
			ip:        text("203.0.113.%d", r.IntN(256)),
			agent:     text("aws-sdk-go-v2/1.%d.%d ua/2.1 os/linux lang/go#1.%d.%d md/GOOS#linux md/GOARCH#amd64 api/s3#1.%d.0 m/E,e", i, i%7, i%9, i%5, i%90),
			name:      text("aws-sdk-go-v2"), version: text("1.%d.%d", i, i%7), os: text("linux"), account: account, user: user,
		})
	}
	owner := text("79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be")
	operations := []logs.Text{text("REST.GET.OBJECT"), text("REST.PUT.OBJECT"), text("REST.HEAD.OBJECT"), text("REST.GET.BUCKET")}
	methods := []logs.Text{text("GET"), text("PUT"), text("HEAD"), text("GET")}
	rows := make([]request, n)
	for i := range rows {
		op := min(r.IntN(8)/2, r.IntN(4))
		c := &clients[int(keys.Uint64())%len(clients)]
		k := keys.Uint64()
		bucket := text("example-data-%d", k%8)
		key := text("prod/tenant-%d/%x/part-%05d.parquet", k%97, k*2654435761%(1<<40), k%1000)
		id := make([]byte, 56)
		for j := range id {
			id[j] = byte(r.Uint64())
		}
		status := int64(200)
		if r.IntN(20) == 0 {
			status = 404
		}
		size := int64(k*7919) % 5_000_000
		rows[i] = request{
			Owner: owner, Bucket: bucket, Time: 20000*day + logs.Time(i%days)*day + logs.Time(i/40*1000)%day,
			IP: c.ip, Requester: c.requester, RequestID: text("%016X", r.Uint64()), Operation: operations[op], Key: key,
			URI:    text("%s /%s?x-id=GetObject HTTP/1.1", methods[op], key),
			Status: logs.SomeInt(status), Sent: logs.SomeInt(size), Size: logs.SomeInt(size),
			Total: logs.SomeInt(r.Int64N(90)), TurnAround: logs.SomeInt(r.Int64N(60)), Agent: c.agent,
			HostID: logs.Text(base64.StdEncoding.EncodeToString(id)), Signature: text("SigV4"),
			Cipher: text("TLS_AES_128_GCM_SHA256"), Auth: text("AuthHeader"),
			Host: text("%s.s3.eu-west-1.amazonaws.com", bucket), TLS: text("TLSv1.3"), Region: text("eu-west-1"),
			Type: text("assumed_role"), Account: c.account, Name: c.user, Known: logs.SomeBool(true), Method: methods[op],
			Presigned: logs.SomeBool(false), AgentName: c.name, AgentVersion: c.version, AgentOS: c.os,
			BucketRegion: text("eu-west-1"), Parsed: text("clean"), Escaped: logs.SomeBool(false),
			Hash: logs.Int64(r.Uint64()), LogKey: text("access/2024-10-04-00-00-%02d-%08X", i/2000%60, i/2000), Line: logs.Int64(i%2000 + 1),
		}
	}
	return rows
}

func benchmarkWrite(b *testing.B, rows []request) {
	w, err := New(requestTable, newStage(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	bytes, n := int64(0), 0
	for b.Loop() {
		for i := range rows {
			if err := w.Write(&rows[i]); err != nil {
				b.Fatal(err)
			}
		}
		objects, err := w.Close("b")
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range objects {
			bytes += o.Bytes
			n += int(o.Rows)
			if err := w.fs.remove(o.Path); err != nil {
				b.Fatal(err)
			}
		}
	}
	if n != len(rows)*b.N {
		b.Fatalf("%d rows written, want %d", n, len(rows)*b.N)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(bytes)/float64(n), "B/row")
}

// BenchmarkWrite is a batch of one day, two full row groups.
func BenchmarkWrite(b *testing.B) { benchmarkWrite(b, requests(2*maxRows, 1)) }

// BenchmarkWriteDays is a backlog: the same rows spread over 400 days.
func BenchmarkWriteDays(b *testing.B) { benchmarkWrite(b, requests(2*maxRows, 400)) }
