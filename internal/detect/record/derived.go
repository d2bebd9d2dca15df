package record

import "sluice/internal/sigma"

// Derived fields, in the order of derivedFields.
const (
	policyPublic = iota
	policyExternal
	aclPublic
	blockPublicAccessOff
	loggingDisabled
	lifecycleMinDays
	replicationExternal
	kmsExternal
	copyExternal
	derivedCount
)

// derivedFields are what no rule language can say about a CloudTrail record. One
// is absent where the record holds nothing that could tell.
var derivedFields = [derivedCount]struct {
	name    string
	kind    sigma.Kind
	meaning string
}{
	policyPublic:         {"derived.policy_public", sigma.Bool, "The policy that is set lets everyone in: an Allow for any principal that no condition ties to fixed networks, accounts or organisations (docs: S3's own meaning of public)."},
	policyExternal:       {"derived.policy_external", sigma.Bool, "The policy that is set allows something to a principal of an account that is neither the bucket's nor one of own_accounts."},
	aclPublic:            {"derived.acl_public", sigma.Bool, "The ACL that is set grants something to everyone, or to everyone who has an AWS account."},
	blockPublicAccessOff: {"derived.block_public_access_off", sigma.Bool, "At least one of the four settings of Block Public Access is switched off, or all are deleted."},
	loggingDisabled:      {"derived.logging_disabled", sigma.Bool, "PutBucketLogging without a target: server access logging is switched off."},
	lifecycleMinDays:     {"derived.lifecycle_min_days", sigma.Int, "Days after which the enabled lifecycle rule that is set first deletes objects or versions."},
	replicationExternal:  {"derived.replication_external", sigma.Bool, "The replication that is set gives copies, or their encryption, to another account."},
	kmsExternal:          {"derived.kms_external", sigma.Bool, "Encryption is set to, or done with, a KMS key of another account."},
	copyExternal:         {"derived.copy_external", sigma.Bool, "A copy from or to a bucket of another account than the one that got the record."},
}

// derive computes the derived field k.
func (t *Trail) derive(k sigma.FieldID) sigma.Value {
	return sigma.Value{}
}
