package detect_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sluice/internal/awsio"
	"sluice/internal/detect"
	"sluice/internal/testaws"
)

// states are the implementations of State that a test can have. Each call makes
// an empty one.
func states(t *testing.T, f func(t *testing.T, empty func() detect.State)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		f(t, func() detect.State { return detect.NewMemory() })
	})
	t.Run("fake DynamoDB", func(t *testing.T) { f(t, fakeDynamoDB(t)) })
	t.Run("DynamoDB", func(t *testing.T) { f(t, realDynamoDB(t)) })
}

func fakeDynamoDB(t *testing.T) func() detect.State {
	testaws.NewS3(t).Setenv(t) // credentials and Region
	cfg, err := awsio.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func() detect.State {
		cfg := cfg.Copy()
		cfg.BaseEndpoint = aws.String(testaws.NewDynamoDB(t).URL)
		return awsio.NewState(cfg, "findings-state")
	}
}

// realDynamoDB is any server of DynamoDB's API, such as moto's:
//
//	moto_server -p 5000 &
//	SLUICE_DYNAMODB_ENDPOINT=http://127.0.0.1:5000 go test ./internal/detect
func realDynamoDB(t *testing.T) func() detect.State {
	endpoint := os.Getenv("SLUICE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("SLUICE_DYNAMODB_ENDPOINT names no server of DynamoDB's API, such as moto_server")
	}
	testaws.NewS3(t).Setenv(t)
	cfg, err := awsio.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint = &endpoint
	client := dynamodb.NewFromConfig(cfg)
	n := time.Now().UnixNano() // tables of former runs may still be there
	return func() detect.State {
		n++
		name := fmt.Sprintf("state-%d", n)
		_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
				{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
			},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) // frees the server's memory, no more
		})
		return awsio.NewState(cfg, name)
	}
}

func mustAdd(t *testing.T, s detect.State, adds ...detect.Add) {
	t.Helper()
	if err := s.Add(t.Context(), adds); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, s detect.State, spans ...detect.Span) [][]detect.Slot {
	t.Helper()
	got, err := s.Read(t.Context(), spans)
	if err != nil {
		t.Fatal(err)
	}
	for _, slots := range got {
		for i := range slots {
			slices.Sort(slots[i].Elements)
		}
	}
	return got
}

func TestStateAddsUpOnce(t *testing.T) {
	states(t, func(t *testing.T, empty func() detect.State) {
		s := empty()
		for range 2 {
			mustAdd(t, s,
				detect.Add{Key: "aa", Slot: 5, Once: "f1", Cells: []detect.Cell{{Bin: 0, N: 2, V: 10}, {Bin: 31, N: 1}}},
				detect.Add{Key: "aa", Slot: 5, Once: "f2", Cells: []detect.Cell{{Bin: 31, N: 4, V: 1 << 60}}},
				detect.Add{Key: "aa", Slot: -7, Once: "f1", Cells: []detect.Cell{{Bin: 1, N: 1}}},
				detect.Add{Key: "bb", Slot: 5, Once: "f1", Cells: []detect.Cell{{Bin: 1, N: 1}}},
			)
			// Who comes again with something else is not heard: what he said counts.
			mustAdd(t, s, detect.Add{Key: "aa", Slot: 5, Once: "f1", Cells: []detect.Cell{{Bin: 9, N: 9}}})
		}
		got := mustRead(t, s, detect.Span{Key: "aa", From: -7, To: 5}, detect.Span{Key: "aa", From: -6, To: 4}, detect.Span{Key: "cc", From: 0, To: 9})
		want := [][]detect.Slot{
			{
				{Slot: -7, Cells: []detect.Cell{{Bin: 1, N: 1}}},
				{Slot: 5, Cells: []detect.Cell{{Bin: 0, N: 2, V: 10}, {Bin: 31, N: 5, V: 1 << 60}}},
			},
			nil, nil,
		}
		if diff := cmp.Diff(got, want, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("slots (-got +want):\n%s", diff)
		}
	})
}

func TestStateHoldsAnyNumberOfFiles(t *testing.T) {
	states(t, func(t *testing.T, empty func() detect.State) {
		s := empty()
		const files = 450 // more than two items hold
		adds := make([]detect.Add, files)
		for i := range adds {
			adds[i] = detect.Add{Key: "aa", Slot: 1, Once: fmt.Sprint("file", i), Cells: []detect.Cell{{Bin: 2, N: 1, V: 3}}}
		}
		mustAdd(t, s, adds...)
		mustAdd(t, s, adds...)
		mustAdd(t, s, detect.Add{Key: "aa", Slot: 2, Once: "file0", Cells: []detect.Cell{{Bin: 0, N: 1}}})
		got := mustRead(t, s, detect.Span{Key: "aa", From: 1, To: 1})
		want := [][]detect.Slot{{{Slot: 1, Cells: []detect.Cell{{Bin: 2, N: files, V: 3 * files}}}}}
		if diff := cmp.Diff(got, want, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("slots (-got +want):\n%s", diff)
		}
	})
}

func TestStateKeepsSetsAndSamples(t *testing.T) {
	states(t, func(t *testing.T, empty func() detect.State) {
		s := empty()
		mustAdd(t, s, detect.Add{Key: "aa", Slot: 1, Elements: []string{"a", "b\x00", "a"}, Samples: []detect.Sample{{Series: 1, Text: []byte("first")}}})
		mustAdd(t, s, detect.Add{Key: "aa", Slot: 1, Elements: []string{"b\x00", "c"}, Samples: []detect.Sample{{Series: 1, Text: []byte("second")}, {Series: 0, Text: []byte("zero")}}})
		// A set that is full takes no more; one that is not takes what comes at once.
		mustAdd(t, s, detect.Add{Key: "bb", Slot: 1, Elements: []string{"a"}, Cap: 2})
		mustAdd(t, s, detect.Add{Key: "bb", Slot: 1, Elements: []string{"b", "c"}, Cap: 2})
		mustAdd(t, s, detect.Add{Key: "bb", Slot: 1, Elements: []string{"d"}, Cap: 2})
		got := mustRead(t, s, detect.Span{Key: "aa", From: 1, To: 1}, detect.Span{Key: "bb", From: 0, To: 2})
		want := [][]detect.Slot{
			{{Slot: 1, Elements: []string{"a", "b\x00", "c"}, Size: 3, Samples: []detect.Sample{{Series: 0, Text: []byte("zero")}, {Series: 1, Text: []byte("first")}}}},
			{{Slot: 1, Elements: []string{"a", "b", "c"}, Size: 3}},
		}
		if diff := cmp.Diff(got, want, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("slots (-got +want):\n%s", diff)
		}
	})
}

func TestStateKeepsSamplesApart(t *testing.T) {
	states(t, func(t *testing.T, empty func() detect.State) {
		s := empty()
		note := func(slot int64, once, text string) detect.Add {
			return detect.Add{Key: "aa", Slot: slot, Once: once, Apart: true, Samples: []detect.Sample{{Text: []byte(text)}}}
		}
		for range 2 {
			mustAdd(t, s, note(1, "f1", "one"), note(1, "f2", "two"), note(2, "f1", "three"), note(3, "f1", "four"))
			mustAdd(t, s, note(1, "f1", "not heard"))
		}
		var got []string
		for _, slot := range mustRead(t, s, detect.Span{Key: "aa", From: 1, To: 2})[0] {
			for _, x := range slot.Samples {
				got = append(got, fmt.Sprint(slot.Slot, " ", string(x.Text)))
			}
		}
		slices.Sort(got)
		if want := []string{"1 one", "1 two", "2 three"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// What is asked for by its beginning may come alone, but not without the number of all.
func TestStateReadsByBeginning(t *testing.T) {
	states(t, func(t *testing.T, empty func() detect.State) {
		s := empty()
		mustAdd(t, s, detect.Add{Key: "aa", Slot: 1, Elements: []string{"ab1", "ab2", "ac1", "b"}})
		slots := mustRead(t, s, detect.Span{Key: "aa", From: 1, To: 1, Begins: []string{"ab", "b"}})[0]
		if len(slots) != 1 || slots[0].Size != 4 {
			t.Fatalf("got %+v, want one slot of 4", slots)
		}
		for _, e := range []string{"ab1", "ab2", "b"} {
			if !slices.Contains(slots[0].Elements, e) {
				t.Errorf("got %q without %q", slots[0].Elements, e)
			}
		}
	})
}

func TestStateGrantsAClaim(t *testing.T) {
	states(t, func(t *testing.T, empty func() detect.State) {
		s := empty()
		now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
		claim := func(after time.Duration, uid, owner string, step int64) detect.Grant {
			t.Helper()
			at := now.Add(after)
			g, err := s.Claim(t.Context(), at, []detect.Claim{{UID: uid, Step: step, Owner: owner, Until: at.Add(time.Minute)}})
			if err != nil {
				t.Fatal(err)
			}
			return g[0]
		}
		tell := func(uid string, covers ...int64) {
			t.Helper()
			if err := s.Sent(t.Context(), []detect.Claim{{UID: uid, Covers: covers}}); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(what string, got, want detect.Grant) {
			t.Helper()
			if got != want {
				t.Errorf("%s: got %v, want %v", what, got, want)
			}
		}
		expect("the first", claim(0, "u", "f1", 1), detect.Granted)
		expect("another, too early", claim(59*time.Second, "u", "f2", 1), detect.Held)
		expect("the owner again", claim(time.Second, "u", "f1", 1), detect.Granted)
		expect("another step", claim(time.Second, "u", "f2", 10), detect.Granted)
		expect("another finding", claim(time.Second, "v", "f2", 1), detect.Granted)
		expect("another, once it ran out", claim(62*time.Second, "u", "f2", 1), detect.Granted)
		expect("the first, too late", claim(63*time.Second, "u", "f1", 1), detect.Held)
		tell("u", 1, 100)
		expect("told", claim(time.Hour, "u", "f2", 1), detect.Told)
		expect("told by another message", claim(time.Hour, "u", "f3", 100), detect.Told)
		expect("not told", claim(time.Hour, "u", "f3", 1000), detect.Granted)
		tell("w", 1) // a claim that was forgotten
		expect("told without a claim", claim(0, "w", "f1", 1), detect.Told)
	})
}

// Workers that do the same at once, as two deliveries of one file do.
func TestStateAtOnce(t *testing.T) {
	states(t, func(t *testing.T, empty func() detect.State) {
		s := empty()
		var adds []detect.Add
		for i := range 60 {
			adds = append(adds, detect.Add{Key: "aa", Slot: int64(i % 3), Once: fmt.Sprint(i), Cells: []detect.Cell{{Bin: 1, N: 1}}})
		}
		var wg sync.WaitGroup
		var granted atomic.Int64
		for worker := range 4 {
			wg.Go(func() {
				if err := s.Add(t.Context(), adds); err != nil {
					t.Error(err)
				}
				now := time.Unix(1_700_000_000, 0)
				g, err := s.Claim(t.Context(), now, []detect.Claim{{UID: "u", Step: 1, Owner: fmt.Sprint(worker), Until: now.Add(time.Minute)}})
				if err != nil {
					t.Error(err)
				} else if g[0] == detect.Granted {
					granted.Add(1)
				}
			})
		}
		wg.Wait()
		for i, slots := range mustRead(t, s, detect.Span{Key: "aa", From: 0, To: 0}, detect.Span{Key: "aa", From: 1, To: 1}, detect.Span{Key: "aa", From: 2, To: 2}) {
			if got := slots[0].Cells; len(got) != 1 || got[0].N != 20 {
				t.Errorf("slot %d: got %v, want 20", i, got)
			}
		}
		if n := granted.Load(); n != 1 {
			t.Errorf("got %d grants of one claim, want 1", n)
		}
	})
}

// The simulation on the tables themselves.
func TestNothingIsCountedTwiceOrLostInDynamoDB(t *testing.T) {
	for name, of := range map[string]func(*testing.T) func() detect.State{"fake": fakeDynamoDB, "real": realDynamoDB} {
		t.Run(name, func(t *testing.T) {
			empty := of(t)
			v, findings := simulate(t, max(2, 10/scale), func(uint64) detect.State { return empty() })
			t.Logf("%d findings: %+v", findings, v)
			if v.bad() || findings == 0 {
				t.Errorf("got %d findings, %+v", findings, v)
			}
		})
	}
}

// A table that says no, and one whose answers are lost.
func TestDynamoDBFaults(t *testing.T) {
	testaws.NewS3(t).Setenv(t)
	cfg, err := awsio.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fake := testaws.NewDynamoDB(t)
	cfg.BaseEndpoint = &fake.URL
	s := awsio.NewState(cfg, "findings-state")
	add := detect.Add{Key: "aa", Slot: 1, Once: "f1", Cells: []detect.Cell{{Bin: 0, N: 1}}}

	fake.Fail("UpdateItem", testaws.LostResponse)
	mustAdd(t, s, add)
	mustAdd(t, s, add)
	if got := mustRead(t, s, detect.Span{Key: "aa", From: 1, To: 1})[0][0].Cells[0].N; got != 1 {
		t.Errorf("after an answer was lost: got %d, want 1", got)
	}
	fake.Fail("UpdateItem", testaws.Denied)
	if err := s.Add(t.Context(), []detect.Add{add}); err == nil {
		t.Error("denied: got no error")
	}
	fake.Fail("Query", testaws.Denied)
	if _, err := s.Read(t.Context(), []detect.Span{{Key: "aa"}}); err == nil {
		t.Error("denied: got no error")
	}
	fake.Fail("UpdateItem", testaws.Denied)
	if _, err := s.Claim(t.Context(), time.Now(), []detect.Claim{{UID: "u", Step: 1}}); err == nil {
		t.Error("denied: got no error")
	}
	fake.Fail("UpdateItem", testaws.Denied)
	if err := s.Sent(t.Context(), []detect.Claim{{UID: "u", Covers: []int64{1}}}); err == nil {
		t.Error("denied: got no error")
	}

	// Last, for the table may hear of the other one only after the call is over.
	fake.Fail("UpdateItem", testaws.Denied)
	if err := s.Add(t.Context(), []detect.Add{add, add}); err == nil {
		t.Error("one of two denied: got no error")
	}
}

// The largest that one slot comes to hold is an item that DynamoDB takes: sums in
// as many bins as there are, sets that just were not full, samples of all rules.
func TestTheLargestItemsFit(t *testing.T) {
	t.Run("fake DynamoDB", func(t *testing.T) { // which knows the limit; others are slow with sets
		s := fakeDynamoDB(t)()
		var cells []detect.Cell
		for bin := range int64(64) {
			cells = append(cells, detect.Cell{Bin: bin, N: 1 << 60, V: 1 << 62})
		}
		for file := range 210 {
			mustAdd(t, s, detect.Add{Key: "sums", Once: fmt.Sprint("f", file), Cells: cells[:1+file%2*63]})
		}
		values := func(from int) (all []string) {
			for i := range detect.MaxDistinct - 1 {
				all = append(all, fmt.Sprintf("%08d", from+i))
			}
			return all
		}
		for i := range 3 {
			mustAdd(t, s, detect.Add{Key: "values", Elements: values(i * detect.MaxDistinct), Cap: detect.MaxDistinct})
		}
		if got := len(mustRead(t, s, detect.Span{Key: "values"})[0][0].Elements); got != 2*(detect.MaxDistinct-1) {
			t.Errorf("got %d values, want those of two files", got)
		}
		var moments []string
		for i := range 2048 * detect.MaxOrdered {
			moments = append(moments, string([]byte{byte(i >> 12), byte(i >> 4), byte(i & 15)}))
		}
		add := detect.Add{Key: "order", Elements: moments}
		for series := range detect.MaxOrdered {
			add.Samples = append(add.Samples, detect.Sample{Series: series, Text: make([]byte, 4<<10)})
		}
		mustAdd(t, s, add)
	})
}
