//go:build cgo

package query

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// Query runs one statement that reads. Range over the result's rows, or it is
// held until Close.
func (l *Lake) Query(ctx context.Context, text string) (*Result, error) {
	if err := l.reads(text); err != nil {
		return nil, err
	}
	rows, err := l.conn.QueryContext(ctx, text)
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, errors.Join(err, rows.Close())
	}
	res := &Result{Columns: make([]Column, len(types))}
	for i, t := range types {
		res.Columns[i] = Column{Name: t.Name(), Kind: kindOf(t.DatabaseTypeName())}
	}
	res.Rows = func(yield func([]Value, error) bool) { scan(ctx, rows, res.Columns, yield) }
	return res, nil
}

// reads refuses statements that do anything but read. External access is off,
// but a COPY could still write into the lake.
func (l *Lake) reads(text string) error {
	return l.conn.Raw(func(c any) error {
		conn, ok := c.(*duckdb.Conn)
		if !ok {
			return fmt.Errorf("BUG: %T is not a duckdb connection", c)
		}
		stmt, err := conn.Prepare(text)
		if err != nil {
			if strings.Contains(err.Error(), "multi-statement") {
				return errors.New("one statement at a time, please")
			}
			return err
		}
		s, ok := stmt.(*duckdb.Stmt)
		if !ok {
			return fmt.Errorf("BUG: %T is not a duckdb statement", stmt)
		}
		kind, err := s.StatementType()
		err = errors.Join(err, s.Close())
		if err == nil && kind != duckdb.STATEMENT_TYPE_SELECT {
			return errors.New("a lake is read-only: only SELECT, WITH, VALUES, DESCRIBE, SHOW and SUMMARIZE are run")
		}
		return err
	})
}

func scan(ctx context.Context, rows *sql.Rows, columns []Column, yield func([]Value, error) bool) {
	defer rows.Close()
	raw := make([]any, len(columns))
	to := make([]any, len(columns))
	for i := range raw {
		to[i] = &raw[i]
	}
	values := make([]Value, len(columns))
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			yield(nil, err)
			return
		}
		for i, v := range raw {
			text, err := write(v, columns[i].Kind)
			if err != nil {
				yield(nil, fmt.Errorf("column %s: %w", columns[i].Name, err))
				return
			}
			values[i] = Value{Text: text, Null: v == nil}
		}
		if !yield(values, nil) {
			return
		}
	}
	if err := rows.Err(); err != nil {
		yield(nil, interrupted(ctx, err))
	}
}

// interrupted names the reason for which a query was ended rather than how.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("query: %w", context.Cause(ctx))
	}
	return err
}

func kindOf(duckType string) Kind {
	switch name, _, _ := strings.Cut(duckType, "("); {
	case strings.HasSuffix(duckType, "]"), name == "STRUCT", name == "MAP", name == "UNION":
		return Nested
	case name == "BOOLEAN":
		return Bool
	case strings.HasPrefix(name, "TIMESTAMP"):
		return Time
	case name == "DECIMAL", name == "DOUBLE", name == "FLOAT", name == "BIGNUM", strings.HasSuffix(name, "INT"), name == "INTEGER", name == "UINTEGER":
		return Number
	}
	return Text
}

// write writes a value as the result shows it.
func write(v any, k Kind) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []byte:
		return fmt.Sprintf(`\x%x`, v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return float(v, 64), nil
	case float32:
		return float(float64(v), 32), nil
	case *big.Int:
		return v.String(), nil
	case time.Time:
		if k == Time {
			return v.UTC().Format("2006-01-02 15:04:05.999999"), nil
		}
		if v.Year() == 1 { // a TIME; a DATE of that year is nobody's
			return v.Format("15:04:05.999999"), nil
		}
		return v.Format(time.DateOnly), nil
	case duckdb.Decimal:
		return decimal(v), nil
	case duckdb.Interval:
		return fmt.Sprintf("%d months %d days %s", v.Months, v.Days, time.Duration(v.Micros)*time.Microsecond), nil
	}
	if k == Nested {
		b, err := json.Marshal(plain(v))
		return string(b), err
	}
	return fmt.Sprint(v), nil
}

// float writes small and large numbers in digits and huge ones with an exponent.
func float(v float64, bits int) string {
	if math.Abs(v) < 1e21 {
		return strconv.FormatFloat(v, 'f', -1, bits)
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}

// decimal writes all digits that the type has, so that a column of them aligns.
func decimal(d duckdb.Decimal) string {
	if d.Scale == 0 {
		return d.Value.String()
	}
	digits := fmt.Sprintf("%0*s", int(d.Scale)+1, new(big.Int).Abs(d.Value))
	point := len(digits) - int(d.Scale)
	sign := ""
	if d.Value.Sign() < 0 {
		sign = "-"
	}
	return sign + digits[:point] + "." + digits[point:]
}

// plain turns what DuckDB nests into what JSON can hold.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plain(e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, e := range v {
			object[name] = plain(e)
		}
		return object
	case duckdb.Map:
		object := make(map[string]any, len(v))
		for name, e := range v {
			object[fmt.Sprint(name)] = plain(e)
		}
		return object
	case duckdb.Decimal:
		return json.Number(decimal(v))
	case nil, bool, string, int64, int32, int16, int8, uint64, uint32, uint16, uint8, float64, float32:
		return v
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}
