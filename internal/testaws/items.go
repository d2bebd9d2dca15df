package testaws

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
)

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
