package testaws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// More ways for a request to go wrong, which a Proxy knows.
const (
	InternalError Fault = 100 + iota // 500: try again
	Reset                            // the connection breaks before anything is done
	Hang                             // no answer, until the client gives up
	PartFailed                       // of a batch of messages, the first is said to have failed
)

// Proxy stands between a client and an AWS on loopback. It writes down every
// call, and makes some go wrong.
type Proxy struct {
	URL string

	target, account string
	client          *http.Client

	mu    sync.Mutex
	calls []Call
	from  int // index of the call that is the 0th to fault
	fault func(n int, c Call) Fault
}

// NewProxy starts a proxy to the server at target that ends with the test. All
// resources behind it belong to one account.
//
// Requests reach the server as they were signed: with the host of the proxy, and
// with the same headers.
func NewProxy(t testing.TB, target, account string) *Proxy {
	p := &Proxy{target: target, account: account, client: &http.Client{Transport: &http.Transport{
		DisableCompression: true, MaxIdleConnsPerHost: 64, // or it would ask for what the client did not
	}}}
	srv := httptest.NewServer(p)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		p.client.CloseIdleConnections()
	})
	p.URL = srv.URL
	return p
}

// Fail lets fault decide what becomes of each call from now on, which are
// numbered from 0; nil makes all succeed. One is decided about at a time.
func (p *Proxy) Fail(fault func(n int, c Call) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from, p.fault = len(p.calls), fault
}

// Calls returns the calls so far.
func (p *Proxy) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// ServeHTTP passes one call on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c := read(r, body, p.account)
	p.mu.Lock()
	n := len(p.calls)
	p.calls = append(p.calls, c)
	fault := OK
	if p.fault != nil {
		fault = p.fault(n-p.from, c)
	}
	p.mu.Unlock()

	switch fault {
	case SlowDown, InternalError:
		p.refuse(w, c, fault)
		return
	case Reset:
		reset(w)
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	status, header, answer, err := p.forward(r, body)
	if err != nil {
		panic(http.ErrAbortHandler) // the server has ended with the test
	}
	p.mu.Lock()
	p.calls[n].Status = status
	p.mu.Unlock()
	switch fault {
	case LostResponse:
		reset(w)
	case Corrupt:
		if len(answer) > 0 {
			answer[len(answer)/2] ^= 1
		}
	case PartFailed:
		answer = tellFailed(answer)
	}
	for k, v := range header {
		if k != "Content-Length" && k != "Connection" && k != "Transfer-Encoding" {
			w.Header()[k] = v
		}
	}
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
	} else if n := header.Get("Content-Length"); n != "" {
		w.Header().Set("Content-Length", n)
	}
	w.WriteHeader(status)
	if fault == Truncated {
		w.Write(answer[:len(answer)/2])
		panic(http.ErrAbortHandler)
	}
	w.Write(answer)
}

// forward does a call, even when its client has been killed since.
func (p *Proxy) forward(r *http.Request, body []byte) (status int, header http.Header, answer []byte, err error) {
	out, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, p.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	out.Header = r.Header.Clone()
	out.Header.Del("Expect") // the whole body is here already
	out.Host = r.Host
	res, err := p.client.Do(out)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, res.Header, answer, err
}

// refuse answers as the service does that is asked too much, or broken.
func (p *Proxy) refuse(w http.ResponseWriter, c Call, f Fault) {
	status, code := 500, map[string]string{"s3": "InternalError", "sns": "InternalFailure"}[c.Service]
	if code == "" {
		code = "InternalServerError"
	}
	if f == SlowDown {
		switch c.Service {
		case "s3":
			status, code = 503, "SlowDown"
		case "sns":
			status, code = 400, "Throttling"
		default:
			status, code = 400, "ThrottlingException"
		}
	}
	switch c.Service {
	case "s3":
		refuse(w, status, code)
	case "sns":
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>made up</Message></Error></ErrorResponse>", code)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.%s#%s","message":"made up"}`, c.Service, code)
	}
}

// reset breaks the connection so that the client notices at once.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// tellFailed turns the first success in an answer of PublishBatch into a failure
// that is not the sender's fault. The message is there nevertheless, as it may be
// when a real service says so.
func tellFailed(answer []byte) []byte {
	s := string(answer)
	i, j := strings.Index(s, "<member>"), strings.Index(s, "</member>")
	if i < 0 || j < i || !strings.Contains(s, "<Successful>") {
		return answer
	}
	first := s[i+len("<member>") : j]
	_, id, _ := strings.Cut(first, "<Id>")
	id, _, _ = strings.Cut(id, "</Id>")
	s = s[:i] + s[j+len("</member>"):]
	failed := "<member><Id>" + id + "</Id><Code>InternalError</Code><Message>made up</Message><SenderFault>false</SenderFault></member>"
	switch {
	case strings.Contains(s, "<Failed>"):
		s = strings.Replace(s, "<Failed>", "<Failed>"+failed, 1)
	case strings.Contains(s, "<Failed/>"):
		s = strings.Replace(s, "<Failed/>", "<Failed>"+failed+"</Failed>", 1)
	default:
		s = strings.Replace(s, "</Successful>", "</Successful><Failed>"+failed+"</Failed>", 1)
	}
	return []byte(s)
}
