package finding

// document is a Detection Finding: of the attributes of the class those that a
// finding can fill, in the order in which they are written.
type document struct {
	ActivityID   int64        `json:"activity_id"`
	ActivityName string       `json:"activity_name"`
	CategoryUID  int64        `json:"category_uid"`
	CategoryName string       `json:"category_name"`
	ClassUID     int64        `json:"class_uid"`
	ClassName    string       `json:"class_name"`
	TypeUID      int64        `json:"type_uid"`
	TypeName     string       `json:"type_name"`
	Time         int64        `json:"time"`
	StartTime    int64        `json:"start_time"`
	EndTime      int64        `json:"end_time"`
	Count        int64        `json:"count,omitempty"`
	SeverityID   int64        `json:"severity_id"`
	Severity     string       `json:"severity"`
	StatusID     int64        `json:"status_id"`
	Status       string       `json:"status"`
	IsAlert      bool         `json:"is_alert"`
	Message      string       `json:"message"`
	Metadata     metadata     `json:"metadata"`
	Cloud        cloud        `json:"cloud"`
	Info         info         `json:"finding_info"`
	Resources    []resource   `json:"resources,omitempty"`
	Evidences    []evidence   `json:"evidences,omitempty"`
	Observables  []observable `json:"observables,omitempty"`
	Remediation  *remediation `json:"remediation,omitempty"`
	Unmapped     unmapped     `json:"unmapped"`
}

type metadata struct {
	Version        string   `json:"version"`
	Profiles       []string `json:"profiles"`
	UID            string   `json:"uid"`
	CorrelationUID string   `json:"correlation_uid"`
	Product        product  `json:"product"`
	EventCode      string   `json:"event_code,omitempty"`
	LogName        string   `json:"log_name,omitempty"`
	LogProvider    string   `json:"log_provider"`
	Truncated      bool     `json:"is_truncated,omitempty"`
}

type product struct {
	Name   string `json:"name"`
	Vendor string `json:"vendor_name"`
}

type cloud struct {
	Provider string   `json:"provider"`
	Account  *account `json:"account,omitempty"`
	Region   string   `json:"region,omitempty"`
}

type account struct {
	UID    string `json:"uid"`
	Type   string `json:"type"`
	TypeID int64  `json:"type_id"`
}

type info struct {
	UID       string       `json:"uid"`
	Title     string       `json:"title"`
	Desc      string       `json:"desc,omitempty"`
	Types     []string     `json:"types,omitempty"`
	FirstSeen int64        `json:"first_seen_time"`
	LastSeen  int64        `json:"last_seen_time"`
	Created   int64        `json:"created_time"`
	Analytic  analytic     `json:"analytic"`
	Attacks   []ocsfAttack `json:"attacks,omitempty"`
	Related   int64        `json:"related_events_count,omitempty"`
}

type analytic struct {
	Type     string `json:"type"`
	TypeID   int64  `json:"type_id"`
	Category string `json:"category"`
	UID      string `json:"uid"`
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
}

type ocsfAttack struct {
	Version   string   `json:"version"`
	Tactic    *uidName `json:"tactic,omitempty"`
	Technique *uidName `json:"technique,omitempty"`
	Sub       *uidName `json:"sub_technique,omitempty"`
}

type uidName struct {
	UID  string `json:"uid"`
	Name string `json:"name,omitempty"`
}

type resource struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Role   string `json:"role"`
	RoleID int64  `json:"role_id"`
	Region string `json:"region,omitempty"`
}

type evidence struct {
	UID     string    `json:"uid,omitempty"`
	Actor   *actor    `json:"actor,omitempty"`
	API     *api      `json:"api,omitempty"`
	Source  *endpoint `json:"src_endpoint,omitempty"`
	Request *request  `json:"http_request,omitempty"`
	TLS     *tls      `json:"tls,omitempty"`
	Bucket  *bucket   `json:"databucket,omitempty"`
	URL     *link     `json:"url,omitempty"`
	Data    data      `json:"data"`
}

type actor struct {
	User user `json:"user"`
}

type user struct {
	UID     string   `json:"uid,omitempty"`
	Account *account `json:"account,omitempty"`
}

type api struct {
	Operation string    `json:"operation"`
	Response  *response `json:"response,omitempty"`
}

type response struct {
	Code  *int64 `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
}

type endpoint struct {
	IP      string `json:"ip,omitempty"`
	Service string `json:"svc_name,omitempty"`
}

type request struct {
	UserAgent string `json:"user_agent"`
}

type tls struct {
	Version string `json:"version"`
}

type bucket struct {
	Type   string `json:"type"`
	TypeID int64  `json:"type_id"`
	Name   string `json:"name"`
}

type link struct {
	URL string `json:"url_string"`
}

// data is what of a record has no place in the schema.
type data struct {
	Time      int64  `json:"time"`
	Key       string `json:"key,omitempty"`
	BytesSent *int64 `json:"bytes_sent,omitempty"`
	LogKey    string `json:"log_key"`
	LogLine   int64  `json:"log_line"`
	Ambiguous bool   `json:"ambiguous,omitempty"`
}

type observable struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	TypeID int64  `json:"type_id"`
	Value  string `json:"value"`
}

type remediation struct {
	Desc string `json:"desc"`
}

// unmapped is what of a finding has no place in the schema.
type unmapped struct {
	Step      int64    `json:"step"`
	Level     string   `json:"level"`
	Owner     string   `json:"owner,omitempty"`
	Group     []pair   `json:"group,omitempty"`
	Events    int64    `json:"events,omitempty"`
	Measure   string   `json:"measure"`
	Value     int64    `json:"value"`
	AtLeast   bool     `json:"at_least,omitempty"`
	Threshold int64    `json:"threshold"`
	Period    int64    `json:"period"`
	PeriodEnd int64    `json:"period_end"`
	Sources   []string `json:"sources,omitempty"`
}

// pair has null where the records of the group had no such value.
type pair struct {
	Name  string  `json:"name"`
	Value *string `json:"value"`
}
