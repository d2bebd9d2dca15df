package testaws

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// DynamoDB is a table server: one table of items with the keys pk and sk, both
// text. It evaluates expressions over attributes at the top of an item. Nothing
// expires in it.
type DynamoDB struct {
	URL string

	mu     sync.Mutex
	items  map[[2]string]item
	sorts  map[string]map[string]bool // by pk, those of sk: a query reads one partition
	faults map[string][]Fault         // by operation
	calls  []string
}

// maxItem is how many bytes an item may have.
const maxItem = 400 << 10

// NewDynamoDB starts a server that ends with the test.
func NewDynamoDB(t testing.TB) *DynamoDB {
	d := &DynamoDB{items: map[[2]string]item{}, sorts: map[string]map[string]bool{}, faults: map[string][]Fault{}}
	srv := httptest.NewServer(d)
	t.Cleanup(srv.Close)
	d.URL = srv.URL
	return d
}

// Environ is what makes the AWS SDK talk to the server, beside that of an S3.
func (d *DynamoDB) Environ() []string { return []string{"AWS_ENDPOINT_URL_DYNAMODB=" + d.URL} }

// Setenv makes the AWS SDK inside the test talk to the server.
func (d *DynamoDB) Setenv(t testing.TB) { t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", d.URL) }

// Fail makes the next calls of an operation, such as UpdateItem, go wrong:
// Denied, Missing (the table), SlowDown, LostResponse or OK.
func (d *DynamoDB) Fail(operation string, faults ...Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[operation] = append(d.faults[operation], faults...)
}

// Calls returns the operations so far, and forgets them.
func (d *DynamoDB) Calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.calls
	d.calls = nil
	return c
}

// Keys returns "pk sk" of every item in order.
func (d *DynamoDB) Keys() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var keys []string
	for k := range d.items {
		keys = append(keys, k[0]+" "+k[1])
	}
	slices.Sort(keys)
	return keys
}

// request is the union of what the operations send.
type request struct {
	Item, Key                 item
	ConditionExpression       string
	UpdateExpression          string
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	ReturnValues              string
	ScanIndexForward          *bool
	Limit                     int
	ExclusiveStartKey         item
	IndexName                 string

	ReturnValuesOnConditionCheckFailure string

	RequestItems  map[string]json.RawMessage // BatchGetItem, BatchWriteItem
	TransactItems []map[string]*request
}

// dynamoError is DynamoDB's way to say no.
type dynamoError struct {
	code, message string
	item          item // ALL_OLD of a failed condition
	reasons       []map[string]any
}

func (e *dynamoError) Error() string { return e.code + ": " + e.message }

func invalid(format string, args ...any) error {
	return &dynamoError{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// ServeHTTP answers GetItem, PutItem, UpdateItem, DeleteItem, Query,
// BatchGetItem, BatchWriteItem and TransactWriteItems.
func (d *DynamoDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, operation)
	fault := OK
	if left := d.faults[operation]; len(left) > 0 {
		fault, d.faults[operation] = left[0], left[1:]
	}
	var answer map[string]any
	var q request
	switch fault {
	case Denied:
		err = &dynamoError{code: "AccessDeniedException", message: "not authorized"}
	case Missing:
		err = &dynamoError{code: "ResourceNotFoundException", message: "Requested resource not found"}
	case SlowDown:
		err = &dynamoError{code: "ProvisionedThroughputExceededException", message: "too fast"}
	default:
		if err = json.Unmarshal(body, &q); err == nil {
			answer, err = d.do(operation, &q)
		}
	}
	if fault == LostResponse {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusOK
	if err != nil {
		e, ok := err.(*dynamoError)
		if !ok {
			e = &dynamoError{code: "SerializationException", message: err.Error()}
		}
		status = http.StatusBadRequest
		answer = map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + e.code, "message": e.message}
		if e.item != nil {
			answer["Item"] = e.item
		}
		if e.reasons != nil {
			answer["CancellationReasons"] = e.reasons
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10))
	w.WriteHeader(status)
	w.Write(text)
}

func (d *DynamoDB) do(operation string, q *request) (map[string]any, error) {
	switch operation {
	case "GetItem":
		k, err := keyOf(q.Key)
		if err != nil {
			return nil, err
		}
		if it := d.items[k]; it != nil {
			return map[string]any{"Item": it}, nil
		}
		return map[string]any{}, nil
	case "PutItem", "UpdateItem", "DeleteItem":
		k, was, is, err := d.change(operation, q)
		if err != nil {
			return nil, err
		}
		d.store(k, is)
		return returned(q.ReturnValues, was, is)
	case "Query":
		return d.query(q)
	case "BatchGetItem":
		return d.batchGet(q)
	case "BatchWriteItem":
		return d.batchWrite(q)
	case "TransactWriteItems":
		return map[string]any{}, d.transact(q)
	}
	return nil, &dynamoError{code: "UnknownOperationException", message: operation}
}

func (d *DynamoDB) store(k [2]string, it item) {
	if it == nil {
		delete(d.items, k)
		delete(d.sorts[k[0]], k[1])
		return
	}
	if d.sorts[k[0]] == nil {
		d.sorts[k[0]] = map[string]bool{}
	}
	d.items[k], d.sorts[k[0]][k[1]] = it, true
}

// change works out what an operation makes of an item, and leaves it as it is.
func (d *DynamoDB) change(operation string, q *request) (k [2]string, was, is item, err error) {
	key := q.Key
	if operation == "PutItem" || operation == "Put" {
		key = item{"pk": q.Item["pk"], "sk": q.Item["sk"]}
	}
	if k, err = keyOf(key); err != nil {
		return k, nil, nil, err
	}
	was = d.items[k]
	x := &expression{names: q.ExpressionAttributeNames, values: q.ExpressionAttributeValues, item: was}
	if q.ConditionExpression != "" {
		ok, err := x.condition(q.ConditionExpression)
		if err != nil {
			return k, nil, nil, err
		}
		if !ok {
			e := &dynamoError{code: "ConditionalCheckFailedException", message: "The conditional request failed"}
			if q.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
				e.item = was
			}
			return k, nil, nil, e
		}
	}
	switch operation {
	case "PutItem", "Put":
		is = maps.Clone(q.Item)
	case "UpdateItem", "Update":
		if is = maps.Clone(was); is == nil {
			is = maps.Clone(key)
		}
		if err := x.update(q.UpdateExpression, is); err != nil {
			return k, nil, nil, err
		}
	case "ConditionCheck":
		is = was
	}
	if err := x.unused(); err != nil {
		return k, nil, nil, err
	}
	if n := is.size(); n > maxItem {
		return k, nil, nil, invalid("Item size has exceeded the maximum allowed size: %d bytes", n)
	}
	return k, was, is, nil
}

func returned(what string, was, is item) (map[string]any, error) {
	answer := map[string]any{}
	switch what {
	case "", "NONE":
	case "ALL_OLD":
		if was != nil {
			answer["Attributes"] = was
		}
	case "ALL_NEW":
		answer["Attributes"] = is
	default:
		return nil, invalid("ReturnValues %s is not what this fake knows", what)
	}
	return answer, nil
}

// partition is the part of a key condition that no query may be without.
var partition = regexp.MustCompile(`\bpk = (:\w+)`)

func (d *DynamoDB) query(q *request) (map[string]any, error) {
	if q.IndexName != "" {
		return nil, invalid("this fake has no index")
	}
	x := &expression{names: q.ExpressionAttributeNames, values: q.ExpressionAttributeValues}
	m := partition.FindStringSubmatch(q.KeyConditionExpression)
	if m == nil {
		return nil, invalid("Query condition missed key schema element: pk")
	}
	pk := q.ExpressionAttributeValues[m[1]].S
	var found []item
	for _, sk := range slices.Sorted(maps.Keys(d.sorts[pk])) {
		x.item = d.items[[2]string{pk, sk}]
		ok, err := x.condition(q.KeyConditionExpression)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, x.item)
		}
	}
	if err := x.unused(); err != nil && len(d.sorts[pk]) > 0 {
		return nil, err
	}
	if q.ScanIndexForward != nil && !*q.ScanIndexForward {
		slices.Reverse(found)
	}
	if q.ExclusiveStartKey != nil {
		at := slices.IndexFunc(found, func(it item) bool { return it["sk"].S == q.ExclusiveStartKey["sk"].S })
		found = found[at+1:]
	}
	answer := map[string]any{}
	// A page is a megabyte, or Limit items.
	size := 0
	for i, it := range found {
		size += it.size()
		if (q.Limit > 0 && i+1 == q.Limit || size > 1<<20) && i+1 < len(found) {
			answer["LastEvaluatedKey"] = item{"pk": it["pk"], "sk": it["sk"]}
			found = found[:i+1]
			break
		}
	}
	if found == nil {
		found = []item{}
	}
	answer["Items"], answer["Count"] = found, len(found)
	return answer, nil
}

func (d *DynamoDB) batchGet(q *request) (map[string]any, error) {
	answers := map[string][]item{}
	for table, raw := range q.RequestItems {
		var want struct{ Keys []item }
		if err := json.Unmarshal(raw, &want); err != nil {
			return nil, err
		}
		if len(want.Keys) == 0 || len(want.Keys) > 100 {
			return nil, invalid("%d keys, at most 100", len(want.Keys))
		}
		answers[table] = []item{}
		seen := map[[2]string]bool{}
		for _, key := range want.Keys {
			k, err := keyOf(key)
			if err != nil || seen[k] {
				return nil, invalid("key %v: duplicate, or %v", k, err)
			}
			seen[k] = true
			if it := d.items[k]; it != nil {
				answers[table] = append(answers[table], it)
			}
		}
	}
	return map[string]any{"Responses": answers, "UnprocessedKeys": map[string]any{}}, nil
}

func (d *DynamoDB) batchWrite(q *request) (map[string]any, error) {
	for _, raw := range q.RequestItems {
		var writes []struct{ PutRequest, DeleteRequest *request }
		if err := json.Unmarshal(raw, &writes); err != nil {
			return nil, err
		}
		if len(writes) == 0 || len(writes) > 25 {
			return nil, invalid("%d writes, at most 25", len(writes))
		}
		for _, w := range writes {
			operation, r := "DeleteItem", w.DeleteRequest
			if w.PutRequest != nil {
				operation, r = "PutItem", w.PutRequest
			}
			k, _, is, err := d.change(operation, r)
			if err != nil {
				return nil, err
			}
			d.store(k, is)
		}
	}
	return map[string]any{"UnprocessedItems": map[string]any{}}, nil
}

func (d *DynamoDB) transact(q *request) error {
	if len(q.TransactItems) == 0 || len(q.TransactItems) > 100 {
		return invalid("%d items, at most 100", len(q.TransactItems))
	}
	type write struct {
		k  [2]string
		is item
	}
	var writes []write
	var reasons []map[string]any
	seen := map[[2]string]bool{}
	failed := false
	for _, one := range q.TransactItems {
		for operation, r := range one {
			k, _, is, err := d.change(operation, r)
			reason := map[string]any{"Code": "None"}
			if e, ok := err.(*dynamoError); ok && e.code == "ConditionalCheckFailedException" {
				failed = true
				reason = map[string]any{"Code": "ConditionalCheckFailed", "Message": e.message}
				if e.item != nil {
					reason["Item"] = e.item
				}
			} else if err != nil {
				return err
			}
			if seen[k] {
				return invalid("Transaction request cannot include multiple operations on one item")
			}
			seen[k] = true
			writes = append(writes, write{k, is})
			reasons = append(reasons, reason)
		}
	}
	if failed {
		return &dynamoError{code: "TransactionCanceledException", message: "Transaction cancelled", reasons: reasons}
	}
	for _, w := range writes {
		d.store(w.k, w.is)
	}
	return nil
}

func keyOf(key item) ([2]string, error) {
	for _, name := range []string{"pk", "sk"} {
		if v, ok := key[name]; !ok || v.T != "S" || v.S == "" {
			return [2]string{}, invalid("The provided key element does not match the schema: %s", name)
		}
	}
	return [2]string{key["pk"].S, key["sk"].S}, nil
}
