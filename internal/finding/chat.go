package finding

import (
	"encoding/json"
	"fmt"
)

// maxChat is the length of a short text in chat, in characters.
const maxChat = 100

// Chat is the finding as a custom notification of Amazon Q Developer in chat
// applications, which drops everything that is not one. Messages about one
// incident are one thread.
func (f *Finding) Chat() []byte {
	mark := severityOf(f.Rule.Level).mark
	title := limit(mark+": "+defangChat(shown(f.Rule.Title, maxTitle)), maxChat)
	keywords := []string{mark}
	for _, p := range append(f.who(defangChat, maxChat), f.where(defangChat, maxChat)...) {
		if len(keywords) < 8 {
			keywords = append(keywords, limit(p.Name+": "+p.Value, maxChat))
		}
	}
	n := notification{Version: "1.0", Source: "custom"}
	n.Content = content{
		TextType: "client-markdown", Title: title, Keywords: keywords,
		Description: limit(prose(f.Rule.Description, 1000)+"\n\n"+f.howMuch()+" "+f.when(), 2000),
	}
	if todo := prose(f.Rule.Response, 1000); todo != "" {
		n.Content.NextSteps = []string{todo}
	}
	n.Metadata = thread{
		ThreadID: f.UID, Summary: title, EventType: limit(defangChat(shown(f.Rule.Type, maxName)), maxChat),
		Context: map[string]string{"rule": limit(defangChat(shown(f.Rule.ID, maxName)), maxChat), "message": f.MessageUID()},
	}
	if f.Bucket != "" {
		n.Metadata.Related = []string{limit("bucket "+defangChat(shown(f.Bucket, maxChat)), maxChat)}
	}
	b, err := json.Marshal(n)
	if err != nil { // texts and nothing else: they always have a JSON form
		panic(fmt.Sprintf("finding %s: write as notification: %v", f.UID, err))
	}
	return b
}

// notification is the form of
// https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html.
type notification struct {
	Version  string  `json:"version"`
	Source   string  `json:"source"`
	Content  content `json:"content"`
	Metadata thread  `json:"metadata"`
}

type content struct {
	TextType    string   `json:"textType"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	NextSteps   []string `json:"nextSteps,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
}

type thread struct {
	ThreadID  string            `json:"threadId"`
	Summary   string            `json:"summary"`
	EventType string            `json:"eventType,omitempty"`
	Related   []string          `json:"relatedResources,omitempty"`
	Context   map[string]string `json:"additionalContext,omitempty"`
}
