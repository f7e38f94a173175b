package grantgate.review

# METADATA
# title: Dormant
# description: |
#   No allowed request within the window: shorter for APIs of tier high and critical. A grant that was never used at all
#   is reported as such, where the records reach back far enough to say so.
candidates contains {"detector": "dormant", "action": "suspend"} if {
	silent
	not reported_as_never_used
}

# METADATA
# title: Suspended and not missed
# description: |
#   The grant was suspended long enough ago for somebody to miss it; not while the account pauses too, nor before it came
#   back.
candidates contains {"detector": "dormant", "action": "revoke"} if {
	suspended
	input.as_of - missable_since >= input.thresholds.dormant.revoke_after_days * day
}

candidates contains {"detector": "dormant", "action": "revoke"} if suspended_since_unknown

silent if {
	windows.dormant
	not used_in_dormant_window
}

# A use at the very start of the window is as old as the window is long.
used_in_dormant_window if input.as_of - input.usage.dormant.last_used_at < window_seconds.dormant

reported_as_never_used if {
	unused_since_granted
	evaluable("never-used")
}

suspended if {
	live
	input.grant.state == "suspended"
	not break_glass
	not kept
	not account_pauses
}

account_pauses if input.account.status in {"suspended", "disabled"}

missable_since := max({input.grant.suspended_at, active_since})

# Nothing revokes without proof of the day it was suspended.
suspended_since_unknown if {
	suspended
	not input.grant.suspended_at
}

dormant_days := input.thresholds.dormant.days_high if {
	sensitive
} else := input.thresholds.dormant.days
