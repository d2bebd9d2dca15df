package cloudtrail

import (
	"bytes"
	"testing"

	"sluice/internal/logs"
)

// manyEvents is a file of real size made of the first sample's usual records,
// without the line ends that only the sample has.
func manyEvents(tb testing.TB, records int) []byte {
	tb.Helper()
	lines := bytes.Split(samples(tb)["testdata/events.json"], []byte("\n"))
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(bytes.TrimSuffix(lines[1+i%6], []byte(","))) // those without secrets
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	const records = 10_000
	content := manyEvents(b, records)
	rd := Format.NewReader()
	r := bytes.NewReader(nil)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(content)
		in := &logs.Input{Key: "k"}
		rows := 0
		for row, err := range rd.Read(in, r) {
			if err != nil || row.BucketName == nil {
				b.Fatalf("record %d: %v", in.Lines, err)
			}
			rows++
		}
		if rows != records {
			b.Fatalf("%d rows, want %d", rows, records)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}

// Reading costs a few allocations a file and none a record.
func TestAllocs(t *testing.T) {
	content := manyEvents(t, 1000)
	rd := Format.NewReader()
	r := bytes.NewReader(nil)
	n := testing.AllocsPerRun(5, func() {
		r.Reset(content)
		for _, err := range rd.Read(&logs.Input{Key: "k"}, r) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if n > 20 {
		t.Errorf("%v allocations for 1000 records, want no more than 20", n)
	}
}
