package testaws

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
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
