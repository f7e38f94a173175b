package grantgate.review

# METADATA
# title: Redundant
# description: |
#   The grant is used, and each use was also justified by one other grant that is active and stays, still gives it all
#   to whoever may have used it, lasts at least as long and asks no more, of the caller or of path parameters; nor has it
#   a rate, for of two rates each lets through its own, and beside a grant without one there is none.
candidates contains {"detector": "redundant", "action": "delete"} if {
	windows.redundant
	input.usage.redundant.allows > 0
	some other in input.usage.redundant.companions
	stands_in(other)
}

stands_in(other) if {
	other.state == "active"
	not other.going
	gives_still(other)
	lasts_as_long(other)
	not asks_mfa_too(other)
	not asks_network_too(other)
	not restricts_more(other)
	not other.rate
}

# What it justified once it may give no more: narrowed since, or to a group that somebody has left.
gives_still(other) if {
	other.api == input.grant.api
	other.reaches
	every operation in input.usage.redundant.operations {
		operation in other.covers
	}
}

lasts_as_long(other) if not other.expires_at

lasts_as_long(other) if other.expires_at >= input.grant.expires_at

asks_mfa_too(other) if {
	other.conditions.mfa
	not input.grant.conditions.mfa
}

asks_network_too(other) if {
	other.conditions.networks
	not input.grant.conditions.networks
}

asks_network_too(other) if {
	some network in input.grant.conditions.networks
	other.conditions.networks
	not network in other.conditions.networks
}

restricts_more(other) if {
	some name, wanted in other.params
	not restricted_alike(name, wanted)
}

restricted_alike(name, wanted) if input.grant.params[name] == wanted

restricted_alike(name, wanted) if {
	is_array(wanted)
	own := input.grant.params[name]
	is_array(own)
	every value in own {
		value in wanted
	}
}
