package generate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

// world is the imagined account: its buckets, who uses them, with what. It is
// small and fixed once made; traffic is drawn from it.
type world struct {
	account, region string
	owner           string // canonical user id of the account
	buckets         []*bucket
	share           *weighted // of requests, per bucket
	sessions        []*session
	active          *weighted // of requests, per session
	keys            *weighted // popularity of a bucket's keys, by rank
	browsers        []string
	referers        []string
	oai             string // a CloudFront origin access identity: a requester with spaces
}

// bucket is one source bucket.
type bucket struct {
	name   string
	host   string
	salt   uint64
	style  int  // how its keys look
	public bool // anonymous reads succeed
	trail  bool // CloudTrail data events are on
}

// session is one caller: a user, a role session or another account.
type session struct {
	requester   string // as access logs say it
	kind        string // CloudTrail's userIdentity.type
	principal   string
	role        string // role name, for assumed roles
	user        string // user name, for IAM users
	accessKey   string
	token       string // session token, URL-encoded; "" for long-term keys
	account     string
	ip          string
	agent       string
	region      string // source region: "-" outside AWS
	endpoint    string // VPC endpoint id, when one is used
	accessPoint string // access point ARN, or "-"
	tls         int    // index into ciphers
	identity    string // CloudTrail's userIdentity as JSON
}

var bucketNames = []string{
	"harbor-media", "harbor-data-lake", "harbor-www", "harbor-uploads",
	"harbor-build-artifacts", "harbor-customer-exports", "harbor-datasets", "harbor-backups",
}

// ciphers pairs TLS versions with what is negotiated under them.
var ciphers = [...][2]string{
	{"TLS_AES_128_GCM_SHA256", "TLSv1.3"},
	{"TLS_AES_256_GCM_SHA384", "TLSv1.3"},
	{"ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"},
	{"TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3"},
}

func newWorld(seed int64, account, region string, requests int64) *world {
	d := newDice(seed, 1)
	sum := sha256.Sum256([]byte("owner of " + account))
	w := &world{
		account: account, region: region,
		owner:    hex.EncodeToString(sum[:]),
		browsers: browserAgents(d),
		share:    newWeighted(zipf(len(bucketNames), 0.8)),
		keys:     newWeighted(zipf(int(min(max(requests/4, 200), 250_000)), 0.9)),
		active:   newWeighted(zipf(400, 0.7)),
		oai:      "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E" + string(d.text(nil, 13, base36)),
	}
	for i, name := range bucketNames {
		w.buckets = append(w.buckets, &bucket{
			name: name, host: name + ".s3." + region + ".amazonaws.com",
			salt: d.bits(), style: i, public: name == "harbor-www", trail: name != "harbor-www",
		})
	}
	for _, page := range []string{"", "products", "pricing", "docs/start", "blog/2026/spring", "jobs"} {
		w.referers = append(w.referers, "https://www.harbor.example/"+page, "https://app.harbor.example/"+page+"?tab=files")
	}
	agents := sdkAgents(d)
	for i := range 400 {
		w.sessions = append(w.sessions, w.newSession(d, i, agents[d.below(len(agents))]))
	}
	return w
}

// bucket returns the bucket called name, which the scenarios rely on.
func (w *world) bucket(name string) *bucket {
	for _, b := range w.buckets {
		if b.name == name {
			return b
		}
	}
	panic("BUG: no bucket " + name)
}

var (
	roles   = []string{"ingest-worker", "thumbnailer", "report-builder", "etl-nightly", "ci-deploy", "api-service", "backup-agent", "search-indexer"}
	persons = []string{"maria", "jonas", "wei", "amina", "tomas", "priya", "lucia", "noah", "elif", "sven"}
)

func (w *world) newSession(d *dice, i int, agent string) *session {
	s := &session{
		account: w.account, agent: agent, accessPoint: "-", region: w.region,
		ip:  fmt.Sprintf("10.%d.%d.%d", d.between(0, 31), d.below(256), d.between(4, 250)),
		tls: d.below(3),
	}
	switch {
	case i%20 == 19: // another account, known by its canonical id only
		sum := sha256.Sum256([]byte("partner " + strconv.Itoa(i)))
		s.kind, s.requester, s.account = "AWSAccount", hex.EncodeToString(sum[:]), fmt.Sprintf("44445555%04d", i)
		s.principal = s.account
		s.accessKey, s.region = accessKey(d, "AKIA"), "-"
		s.ip = string(appendPublicIP(nil, d.bits()))
	case i%4 == 0:
		s.kind, s.user = "IAMUser", persons[d.below(len(persons))]+"-"+strconv.Itoa(i)
		s.requester = "arn:aws:iam::" + w.account + ":user/" + s.user
		s.principal, s.accessKey, s.region = "AIDA"+string(d.text(nil, 17, base36)), accessKey(d, "AKIA"), "-"
		s.ip = string(appendPublicIP(nil, d.bits()))
	default:
		s.kind, s.role = "AssumedRole", roles[d.below(len(roles))]
		name := "i-0" + string(d.text(nil, 16, hexLow))
		if i%4 == 2 {
			name = persons[d.below(len(persons))] + "@harbor.example"
			s.ip, s.region = string(appendPublicIP(nil, d.bits())), "-"
		} else if d.in(2) {
			s.endpoint = "vpce-0" + string(d.text(nil, 16, hexLow))
		}
		s.requester = "arn:aws:sts::" + w.account + ":assumed-role/" + s.role + "/" + name
		s.principal = "AROA" + string(d.text(nil, 17, base36)) + ":" + name
		s.accessKey = accessKey(d, "ASIA")
		s.token = string(encodeOnce(nil, d.text(nil, 220, base64s), false))
	}
	if i%31 == 7 {
		s.accessPoint = "arn:aws:s3:" + w.region + ":" + w.account + ":accesspoint/harbor-analytics"
	}
	s.identity = s.identityJSON()
	return s
}

func accessKey(d *dice, prefix string) string { return prefix + string(d.text(nil, 16, base36)) }

// appendPublicIP appends one of about 60,000 addresses that belong to nobody:
// 198.18.0.0/15 is set aside for benchmarks, 2001:db8::/32 for documentation.
// Attackers use the documentation ranges of IPv4 instead, so they stand out.
func appendPublicIP(dst []byte, x uint64) []byte {
	n := int(x>>32) % 60_000
	if n%12 == 0 {
		dst = append(dst, "2001:db8:"...)
		dst = strconv.AppendUint(dst, mix(uint64(n))&0xffff|0x1000, 16)
		dst = append(dst, "::"...)
		return strconv.AppendUint(dst, mix(uint64(n)+1)&0xffff|1, 16)
	}
	dst = append(dst, "198."...)
	dst = strconv.AppendInt(dst, int64(18+n>>15), 10)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, int64(n>>7&255), 10)
	dst = append(dst, '.')
	return strconv.AppendInt(dst, int64(n&127<<1|1), 10)
}
