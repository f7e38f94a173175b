package grantgate.review

# METADATA
# title: Over-privileged
# description: |
#   The grant is used, often enough to tell what it is needed for, and a large part of what it allows is not used.
#   Roles and lists of operations are judged alike.
candidates contains {"detector": "over-privileged", "action": "narrow"} if {
	windows["over-privileged"]
	input.usage["over-privileged"].allows >= input.thresholds.over_privileged.allows
	input.usage["over-privileged"].days_used >= input.thresholds.over_privileged.days_used
	count(used_operations) > 0
	count(unused_operations) > 0
	count(unused_operations) >= input.thresholds.over_privileged.unused_operations
	count(unused_operations) >= count(input.grant.covers) * input.thresholds.over_privileged.unused_share
}

used_operations := {operation |
	some operation in input.grant.covers
	operation in input.usage["over-privileged"].operations
}

unused_operations := {operation | some operation in input.grant.covers} - used_operations
