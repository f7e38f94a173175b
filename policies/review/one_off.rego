package grantgate.review

# METADATA
# title: Used once, for a while
# description: |
#   All use of the grant lies within a few days, long ago, and it does not end. Whether that was all its use, only its
#   whole life can tell. One with a cadence is expected to come back.
candidates contains {"detector": "one-off", "action": "tighten"} if {
	windows["one-off"]
	not input.grant.expires_at
	not input.grant.cadence
	input.observed.ever > 0
	input.observed.ever >= input.usage["one-off"].allows
	input.observed.last - input.observed.first < input.thresholds.recommend.one_off_days * day
	input.as_of - input.observed.last >= input.thresholds.recommend.quiet_days * day
}

once_seconds := {"one-off": seconds |
	input.observed
	seconds := input.thresholds.recommend.quiet_days * day
}

once_starts := {"one-off": active_since | input.observed}
