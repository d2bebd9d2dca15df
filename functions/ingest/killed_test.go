package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/awsio"
	"sluice/internal/ledger"
	"sluice/internal/testaws"
)

// mortal is a stack whose first process ends right after one of its requests.
type mortal struct {
	stack
	bootstrap string
	env       []string

	mu     sync.Mutex
	calls  int // of the first process
	last   int // the call that it does not hear the answer of
	killed string
	first  *testaws.Function
}

const (
	fileA = "access/2026-11-22-03-20-00-0A1B2C3D4E5F6071"
	fileB = "access/2026-11-22-09-20-00-1A1B2C3D4E5F6071"
	fileC = "access/2026-11-22-09-25-00-2A1B2C3D4E5F6071"
)

func newMortal(t *testing.T, bootstrap string, last int) *mortal {
	t.Helper()
	m := &mortal{stack: stack{s3: testaws.NewLake(t), sns: testaws.NewSNS(t), state: testaws.NewDynamoDB(t)}, bootstrap: bootstrap, last: last}
	m.env = slices.Concat(m.s3.Environ(), m.sns.Environ(), m.state.Environ())
	for i, of := range []string{"S3", "SNS", "DYNAMODB"} {
		p := testaws.NewProxy(t, []string{m.s3.URL, m.sns.URL, m.state.URL}[i], "111122223333")
		p.Fail(m.fault)
		m.env = append(m.env, "AWS_ENDPOINT_URL_"+of+"="+p.URL)
	}
	m.s3.Put("example-logs", fileA, deletions(600))
	m.s3.Put("example-logs", fileB, accessLog(22, 40))
	m.s3.Put("example-logs", fileC, accessLog(21, 30))
	m.first = m.process(t)
	return m
}

func (m *mortal) process(t *testing.T) *testaws.Function {
	t.Helper()
	return testaws.Start(t, m.bootstrap, append(m.env[:len(m.env):len(m.env)],
		"SLUICE_LAKE_BUCKET=example-lake", "SLUICE_LAKE_PREFIX=logs", "SLUICE_STAGE="+t.TempDir(), "SLUICE_STATE_TABLE=state",
		"SLUICE_LEASE_SECONDS=0", "SLUICE_ACCOUNT=111122223333", "SLUICE_FINDINGS_TOPIC_ARN="+jsonTopic, "SLUICE_ALERTS_TOPIC_ARN="+mailTopic)...)
}

func (m *mortal) fault(_ int, c testaws.Call) testaws.Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.calls != m.last {
		return testaws.OK
	}
	m.killed = c.Service + " " + c.Name
	p, err := os.FindProcess(m.first.PID)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		m.killed = fmt.Sprint("not killed: ", err)
	}
	return testaws.OK // it is done, and nobody hears of it
}

// later is the ledger as somebody sees it after all leases have ended.
func later(t *testing.T, m *mortal) *ledger.Ledger {
	t.Helper()
	m.s3.Setenv(t)
	m.state.Setenv(t)
	cfg, err := awsio.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ledger.New(ledger.Config{
		Store:   ledger.NewRecordStore(awsio.NewRecords(cfg, "state"), rand.Reader),
		Objects: awsio.NewS3(cfg).Pending("example-lake", "logs/"),
		Now:     func() time.Time { return time.Now().Add(time.Hour) },
	})
}

// TestKilled ends the function after every request that it makes. What it was
// given comes again, in other company, and every row is there once, and the
// incident is told under one id.
func TestKilled(t *testing.T) {
	bootstrap := compile(t)
	counted := newMortal(t, bootstrap, 0)
	if failed := failures(t, counted.first.Invoke(queue(counted.s3, fileA, fileB), time.Minute)); len(failed) > 0 {
		t.Fatalf("failed without a fault: %q\n%s", failed, counted.first.Output())
	}
	if counted.calls < 20 {
		t.Fatalf("only %d requests to stop at", counted.calls)
	}
	want := map[string]int64{"s3_access_logs/dt=2026-11-22": 640, "s3_access_logs/dt=2026-11-21": 30}
	for n := 1; n <= counted.calls; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			m := newMortal(t, bootstrap, n)
			if a := m.first.Invoke(queue(m.s3, fileA, fileB), time.Minute); !a.Dead {
				if m.killed == "" {
					t.Skip("it made fewer requests this time") // two at once may find the same thing to do
				}
				t.Logf("answered before it was killed at %s: %+v", m.killed, a)
			}
			second := m.process(t)
			before := failures(t, second.Invoke(queue(m.s3, fileC, fileA), time.Minute))
			if slices.Contains(before, fileC) {
				t.Fatalf("killed at %s: a file that nobody had was not converted\n%s", m.killed, second.Output())
			}
			got := rows(t, m.s3)
			for day, n := range got {
				if n != want[day] && n != 0 && n != 600 && n != 40 {
					t.Errorf("killed at %s: meanwhile %d rows of %s", m.killed, n, day)
				}
			}
			if _, err := later(t, m).Sweep(context.WithoutCancel(t.Context()), time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			for _, keys := range [][]string{{fileB, fileC}, {fileA, fileB}} {
				if failed := failures(t, second.Invoke(queue(m.s3, keys...), time.Minute)); len(failed) > 0 {
					t.Fatalf("killed at %s: then failed %q\n%s", m.killed, failed, second.Output())
				}
			}
			if diff := cmp.Diff(rows(t, m.s3), want); diff != "" {
				t.Errorf("killed at %s: rows (-got +want):\n%s\n%s", m.killed, diff, second.Output())
			}
			for _, key := range m.s3.Keys("example-lake") {
				if strings.Contains(key, "_sluice") {
					t.Errorf("killed at %s: left %s", m.killed, key)
				}
			}
			// A process that dies while it notes what was told may leave the row of a
			// message twice, under one id.
			told := map[string]bool{}
			for _, row := range m.alerts(t) {
				told[row.MessageUID] = true
			}
			if len(told) != 1 {
				t.Errorf("killed at %s: alerts in the table %q", m.killed, slices.Collect(maps.Keys(told)))
			}
			ids := map[string]bool{}
			for _, msg := range m.sns.Messages(jsonTopic) {
				var doc struct {
					Metadata struct{ UID string } `json:"metadata"`
				}
				if err := json.Unmarshal([]byte(msg.Body), &doc); err != nil {
					t.Fatal(err)
				}
				ids[doc.Metadata.UID] = true
			}
			if len(ids) != 1 || len(m.sns.Messages(mailTopic)) == 0 {
				t.Errorf("killed at %s: messages %q", m.killed, slices.Collect(maps.Keys(ids)))
			}
		})
	}
}

// TestTakenOver waits for the lease of a batch whose worker was killed: until
// then its message comes back, and after it the file is converted.
func TestTakenOver(t *testing.T) {
	m := newMortal(t, compile(t), 0)
	second, busy := m.process(t), 0
	for _, f := range []*testaws.Function{m.first, second} { // the lease runs while a process starts
		if a := f.Invoke([]byte(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"example-logs"}`), time.Minute); a.Failed || a.Dead {
			t.Fatalf("not up: %+v", a)
		}
	}
	const limit = 4 * time.Second // for as long its files are left to it
	m.mu.Lock()
	m.last = m.calls + 6
	m.mu.Unlock()
	if a := m.first.Invoke(queue(m.s3, fileB), limit); !a.Dead || m.killed == "" {
		t.Fatalf("answered %+v, killed at %q", a, m.killed)
	}
	for {
		failed := failures(t, second.Invoke(queue(m.s3, fileB), time.Minute))
		if len(failed) == 0 {
			break
		}
		if busy++; busy > 1000 {
			t.Fatalf("not taken over\n%s", second.Output())
		}
		select {
		case <-time.After(50 * time.Millisecond): // the clock of another process cannot be set
		case <-t.Context().Done():
			t.Fatal("ended")
		}
	}
	if busy == 0 {
		t.Error("converted while another had it")
	}
	if diff := cmp.Diff(rows(t, m.s3), map[string]int64{"s3_access_logs/dt=2026-11-22": 40}); diff != "" {
		t.Errorf("rows (-got +want):\n%s", diff)
	}
	if a := second.Invoke([]byte(`{"sluice":"sweep"}`), time.Minute); a.Failed || a.Dead {
		t.Errorf("sweep: %+v", a)
	}
	for _, want := range []string{"another worker is converting it, in batch ", `"msg":"swept"`} {
		if out := second.Ended(); !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
