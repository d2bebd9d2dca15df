package s3access

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/mileusna/useragent"

	"sluice/internal/logs"
)

// agent is what a User-Agent says about its client.
type agent struct {
	name, version, os logs.Text
	clean             bool // no secret is in what was looked at
}

// agents remembers parsed User-Agents: those of the last lines where they are found
// soonest, and many, as a parse takes 100 times as long as a look-up. The values are
// the requester's, so the memory is bounded twice: by count (two generations, the
// older one dropped when the younger is full) and by length.
type agents struct {
	last       memo[agent]
	young, old map[string]agent
}

const (
	agentsKept = 4096
	// agentRead is how much of a User-Agent is looked at: clients stand first,
	// and a parse costs time for each byte the requester sends.
	agentRead = memoText
)

// of returns what ua says, or as much of it as is looked at. A hit allocates nothing.
func (c *agents) of(ua []byte) *slot[agent] {
	if len(ua) > agentRead {
		ua = ua[:agentRead]
	}
	s, known := c.last.of(ua)
	if !known {
		s.value = c.among(ua)
	}
	return s
}

func (c *agents) among(ua []byte) agent {
	if a, ok := c.young[string(ua)]; ok {
		return a
	}
	a, ok := c.old[string(ua)]
	if !ok {
		a = parseAgent(string(ua))
	}
	if len(c.young) >= agentsKept {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = make(map[string]agent)
	}
	c.young[string(ua)] = a
	return a
}

// userAgent fills the User-Agent, redacted, and finds its client. That no secret is in
// a text is remembered with its client.
func (p *parser) userAgent(ua logs.Text) {
	p.row.UserAgent, p.row.Client, p.agent = ua, nil, nil
	if len(ua) == 0 {
		return
	}
	if !p.loggedOnly {
		s := p.agents.of(ua)
		if p.agent = &s.value; s.value.clean && len(ua) <= agentRead {
			p.row.Client = &s.again
			return
		}
	}
	var hit bool
	if p.row.UserAgent, hit = p.redacted(ua); hit && !p.loggedOnly {
		p.agent = &p.agents.of(p.row.UserAgent).value // the client's name is cut from it
	}
}

// parseAgent asks the library for browsers and tools, and reads the AWS SDKs'
// own "os/NAME#VERSION" itself, which no library knows.
func parseAgent(ua string) agent {
	ua = strings.ToValidUTF8(ua, "�")
	u := useragent.Parse(strings.Trim(ua, `"[] `))
	a := agent{
		name:    someText(firstClient(u.Name)),
		version: someText(strings.TrimRight(u.Version, ",;")),
		os:      someText(strings.TrimSpace(u.OS + " " + u.OSVersion)),
	}
	a.clean = firstSecret([]byte(ua)) < 0
	if a.os == nil {
		if _, rest, ok := strings.Cut(ua, " os/"); ok {
			name, _, _ := strings.Cut(rest, " ")
			a.os = someText(strings.TrimSpace(strings.ReplaceAll(name, "#", " ")))
		}
	}
	return a
}

// firstClient cuts what the library adds when a comma follows the first client.
func firstClient(name string) string {
	name, _, _ = strings.Cut(name, ",")
	if !utf8.ValidString(name) {
		return ""
	}
	return strings.TrimSpace(name)
}

func someText(s string) logs.Text {
	if s == "" {
		return nil
	}
	return logs.Text(bytes.Clone([]byte(s)))
}
