package generate

import "time"

// generation is an age of the log format.
type generation struct {
	delivered string // day its file was delivered
	fields    int
}

var generations = []generation{{"2012-10-17", 18}, {"2019-12-04", 24}, {"2021-05-19", 25}, {"2023-08-30", 26}}

// old dresses a request as lines of generation g look.
func (r *request) old(g generation) {
	r.fields = g.fields
	r.sourceRegion = "-"
	if r.cipher != "-" {
		r.cipher, r.tls = "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"
	}
	if r.requester == "-" && r.referer == "" {
		r.referer = "http://www.harbor.example/"
	}
}

// archive writes one file of each old generation, as a log bucket of many years
// holds them: delivered long before, under a plain prefix.
func (r *run) archive() error {
	if r.o.Lines < 1000 {
		return nil
	}
	const each = 12
	d := newDice(r.o.Seed, 5)
	t := newTraffic(r.w, d)
	for _, g := range generations {
		day, err := time.Parse(time.DateOnly, g.delivered)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		delivered := day.Unix() + 11*3600 + int64(d.below(3600))
		b := r.w.bucket("harbor-www")
		f, err := r.folder.create("legacy/"+time.Unix(delivered, 0).UTC().Format("2006-01-02-15-04-05-")+string(d.text(nil, 16, hexUp)), delivered)
		if err != nil {
			return err
		}
		for i := range int64(each) {
			q := t.next(b, delivered-3600+i*60, each-i)
			switch {
			case g.fields == 24 && i == 3: // restores were short
				t.members, t.copied = 0, false
				t.r.at = delivered - 3600
				t.get(b, r.w.sessions[0])
				q.op, q.by, q.requester, q.ip, q.uri, q.agent, q.version = opRestore, nil, "AmazonS3", nil, nil, "", ""
				q.status, q.sent, q.total, q.turn = absent, absent, absent, absent
				q.old(generation{g.delivered, 18})
			default:
				q.old(g)
			}
			r.buf = append(q.line(r.buf[:0], r.w.owner, &r.calendar), '\n')
			f.Write(r.buf)
			r.tally.row(q, false)
		}
		r.tally.special["generation-"+string('0'+rune(g.fields/10))+string('0'+rune(g.fields%10))] += each
		r.tally.access.Files++
		r.tally.access.Bytes += f.bytes
		r.base -= each
		if err := f.close(); err != nil {
			return err
		}
	}
	return nil
}
