# METADATA
# title: Authorization
# description: |
#   Decides whether a principal may call one operation of one API. Access is the sum of grants: a grant names a
#   principal (a person, a service or a group), an API and operations, and may carry an expiry and conditions.
#
#   What an API declares public is in the document as a grant of `anonymous`, which is nobody's name but that of whoever
#   calls such an operation, and is in no group.
#
#   The rules read `data.grants[input.api][principal]` and `data.principals[input.subject]` and nothing else, so the
#   caller's own lines of the document are enough to decide. Time is `input.time`; there is no wall clock here.
#
#   A value of the wrong type is never proof: each fact about a grant is stated by what must be true of it, so a
#   malformed grant does not hold and a malformed input is denied.
# scope: package
# schemas:
#   - input: schema.input
#   - data.grants: schema.grants
#   - data.principals: schema.principals
package grantgate.authz

# METADATA
# title: Decision
# description: |
#   `allow`; `grants`, the ids of the grants that justify it (none in a denial), a set, as sorting thousands would cost
#   WASM their square: OPA's JSON has it sorted, and the gateway sorts it; and `reason`, one of the codes below. Of several denials the most specific is given. What is wrong with the caller comes first:
#   `principal-unknown`, `principal-inactive`. Then speaks the grant that came furthest through coverage, expiry,
#   state and conditions: `condition-not-met`, `suspended`, `expired`, `parameter-not-covered`,
#   `operation-not-covered`, and `no-grant` when there is none. An input that cannot be understood is denied with `invalid-input`.
# entrypoint: true
default decision := {"allow": false, "grants": [], "reason": "invalid-input"}

decision := {"allow": true, "grants": holding_grants, "reason": granted} if {
	valid_input
	principal_known
	principal_active
	count(holding_grants) > 0
} else := {"allow": false, "grants": [], "reason": denial} if valid_input

# METADATA
# title: Granted
# description: At least one grant holds.
granted := "granted"

# METADATA
# title: Principal unknown
# description: No directory knows the subject, and its issuer does not vouch for groups in the token.
principal_unknown := "principal-unknown"

# METADATA
# title: Principal inactive
# description: The person's account is suspended or deprovisioned, or the service is disabled.
principal_inactive := "principal-inactive"

# METADATA
# title: Condition not met
# description: A grant would hold, were the caller in one of its networks or signed in with a second factor.
condition_not_met := "condition-not-met"

# METADATA
# title: Suspended
# description: A grant covers the operation and has not expired, but is suspended.
suspended := "suspended"

# METADATA
# title: Expired
# description: A grant covers the operation, but its time is over.
expired := "expired"

# METADATA
# title: Parameter not covered
# description: A grant covers the operation, but not with this value of a path parameter.
parameter_not_covered := "parameter-not-covered"

# METADATA
# title: Operation not covered
# description: The principal has grants for this API, and none covers this operation.
operation_not_covered := "operation-not-covered"

# METADATA
# title: No grant
# description: Neither the principal nor any of its groups has a grant for this API.
no_grant := "no-grant"

# The most specific reason why a well-formed input is denied.
denial := principal_unknown if {
	not principal_known
} else := principal_inactive if {
	not principal_active
} else := condition_not_met if {
	condition_not_met in failures
} else := suspended if {
	suspended in failures
} else := expired if {
	expired in failures
} else := parameter_not_covered if {
	parameter_not_covered in failures
} else := operation_not_covered if {
	operation_not_covered in failures
} else := no_grant

# What keeps each considered grant from holding: the first thing missing.
failures contains failure(grant) if {
	some principal in principals
	some grant in data.grants[input.api][principal]
}

holding_grants contains grant.id if {
	some principal in principals
	some grant in data.grants[input.api][principal]
	covers_operation(grant)
	covers_parameters(grant)
	not_expired(grant)
	not_suspended(grant)
	conditions_met(grant)
}

failure(grant) := operation_not_covered if {
	not covers_operation(grant)
} else := parameter_not_covered if {
	not covers_parameters(grant)
} else := expired if {
	not not_expired(grant)
} else := suspended if {
	not not_suspended(grant)
} else := condition_not_met

# A grant without an id could not be named in the record of a decision, so it covers nothing.
covers_operation(grant) if {
	is_string(grant.id)
	is_array(grant.operations)
	input.operation in grant.operations
}

# Every parameter that the grant restricts has a value that it names. Conditions that are none are not met, whatever
# stands in them: that is asked afterwards.
covers_parameters(grant) if {
	not grant.conditions
} else if {
	not is_object(grant.conditions)
} else if {
	restricted := object.get(grant.conditions, "params", {})
	is_object(restricted)
	every name, wanted in restricted {
		has_value(name, wanted)
	}
}

# Values are texts, and compared as they are; one that is missing or empty is none, on either side.
has_value(name, values) if {
	is_array(values)
	value := input.params[name]
	is_string(value)
	value != ""
	value in values
}

has_value(name, wanted) if {
	is_string(wanted.claim)
	value := input.params[name]
	is_string(value)
	value != ""
	value == input.claims[wanted.claim]
}

# Exclusive: at the very second of its expiry a grant is over. One without expiry outlasts any time there is.
not_expired(grant) if {
	expires := object.get(grant, "expires", input.time + 1)
	is_number(expires)
	input.time < expires
}

not_suspended(grant) if object.get(grant, "state", "active") == "active"

# Every condition must hold, and one of an unknown kind never does.
conditions_met(grant) if {
	conditions := object.get(grant, "conditions", {})
	is_object(conditions)
	every kind, wanted in conditions {
		condition_met(kind, wanted)
	}
}

condition_met("mfa", true) if input.mfa == true

# What a grant covers was asked before.
condition_met("params", _)

condition_met("networks", names) if {
	is_array(names)
	some name in names
	name in input.networks
}

# The principals whose grants count: the subject itself and its groups.
principals contains input.subject

principals contains group if {
	some group in groups
	is_group(group)
	not anonymous
}

# Groups come from the directory, unless the issuer is configured to vouch for them in the token.
groups := input.groups if {
	groups_from_token
} else := data.principals[input.subject].groups

groups_from_token if input.groups_from == "token"

principal_known if directory_lists_subject

principal_known if groups_from_token

principal_known if anonymous

principal_active if data.principals[input.subject].active == true

principal_active if {
	groups_from_token
	not directory_lists_subject
}

principal_active if anonymous

# Whoever calls a public operation. Grants are for people, services and groups, so no grant of a file names it; what is
# public stands in the document under this name.
anonymous if input.subject == "anonymous"

# The name of the entry's type is true for any entry, even `false` or null: who is listed at all must be active.
directory_lists_subject if type_name(data.principals[input.subject])

# Everything the rules read has the type they expect. A subject is a person or a service, and a group in a token is
# a group: neither may name another kind of principal and so borrow its grants.
valid_input if {
	is_subject(input.subject)
	is_string(input.api)
	is_string(input.operation)
	is_number(input.time)
	is_array(object.get(input, "networks", []))
	is_boolean(object.get(input, "mfa", false))
	valid_groups
}

valid_groups if object.get(input, "groups_from", "directory") == "directory"

valid_groups if {
	groups_from_token
	is_array(input.groups)
	every group in input.groups {
		is_group(group)
	}
}

is_subject(name) if {
	is_string(name)
	startswith(name, "user:")
}

is_subject(name) if {
	is_string(name)
	startswith(name, "service:")
}

is_subject("anonymous")

is_group(name) if {
	is_string(name)
	startswith(name, "group:")
}
