package grantgate.review

# Controls that follow from what was seen: asked for by a run, and only of what the records show whole. None of them may
# refuse a request that was allowed; that is proved by replaying the records before any is proposed.

recommendations := {"known-networks", "one-off", "rate-limit", "second-factor", "smaller-group"}

recommended_seconds := {detector: lengthened(input.thresholds.recommend.days) |
	input.observed
	some detector in (recommendations - {"one-off"})
}

recommended_starts := {detector: start |
	some detector, seconds in recommended_seconds
	start := input.as_of - seconds
}

# METADATA
# title: Seen often enough
# description: |
#   The grant is used, on several days, and each use that is known of is on record with what was seen of it: what is only
#   counted (a roll-up) tells nothing of second factors and networks.
seen_often(detector) if {
	windows[detector]
	input.observed.uses >= input.thresholds.recommend.allows
	input.observed.days >= input.thresholds.recommend.days_used
	input.observed.uses >= input.usage[detector].allows
}
