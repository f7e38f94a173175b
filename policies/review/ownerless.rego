package grantgate.review

# METADATA
# title: Nobody answers for it
# description: |
#   The owner, or the owner of the service that holds the grant, is a person who is not active, or a group without an
#   active member. Somebody else is to answer for it.
candidates contains {"detector": "ownerless", "action": "reassign"} if {
	ownerless
	not ownerless_too_long
}

# METADATA
# title: Nobody has answered for it for long
# description: |
#   The grant had no owner for so long that nobody is likely to claim it. An owner of whom no directory can tell (a group
#   that comes with tokens, or of which no records tell whether it does) is no proof of that: somebody is asked, however
#   long.
candidates contains {"detector": "ownerless", "action": "revoke"} if ownerless_too_long

ownerless if {
	active
	input.owner.ownerless_since
}

ownerless_too_long if {
	ownerless
	not input.owner.untold
	not owner_may_come_by_tokens
	input.as_of - input.owner.ownerless_since >= input.thresholds.ownerless.revoke_after_days * day
}

owner_may_come_by_tokens if {
	input.owner.by_tokens
	not told_by_records
}
