package grantgate.review

# Facts about the grant that several detectors ask for.

day := 86400

cadence_days := {"daily": 1, "monthly": 30, "quarterly": 91, "annual": 365}

# An expired grant is only expired.
live if not has_expired

has_expired if input.as_of >= input.grant.expires_at

active if {
	live
	input.grant.state == "active"
}

sensitive if input.grant.tier in {"high", "critical"}

# A break-glass grant is there for the day nobody hopes for: lying idle is its purpose.
break_glass if input.grant.cadence == "break-glass"

# Somebody answered for the grant, the answer has not lapsed, and the grant is still the one that was answered for.
kept if {
	input.as_of < input.grant.review.until
	not input.grant.changed_since_review
}

# Silence before the grant was put back, reactivated or widened, or before there was somebody to use it, says nothing about
# what it is now.
active_since := object.get(input.grant, "active_since", input.grant.granted_at)

# Somebody may be asked again whether the grant is still right.
recertifiable if {
	active
	not kept
}

certified_at := max({input.grant.granted_at, object.get(input.grant, ["review", "at"], 0)})

# Use may be expected of the grant.
judged_by_use if {
	active
	not break_glass
	not kept
}

# METADATA
# title: Windows
# description: |
#   Where the window of each detector that needs usage begins; every window ends at `input.as_of`. A detector is not
#   here when the grant is too young for it, or of a kind it does not judge.
windows := {detector: start |
	judged_by_use
	some detector, start in window_starts
	input.as_of - active_since >= window_seconds[detector]
}

# What a grant's age is held against.
window_seconds := object.union(
	object.union(our_seconds, own_seconds),
	object.union(recommended_seconds, once_seconds),
)

our_seconds["never-used"] := lengthened(input.thresholds.never_used.days)

our_seconds["dormant"] := lengthened(dormant_days)

our_seconds["over-privileged"] := lengthened(input.thresholds.over_privileged.days)

our_seconds["redundant"] := our_seconds["over-privileged"]

window_starts := object.union(
	object.union(our_starts, own_starts),
	object.union(recommended_starts, once_starts),
)

# Whether a grant was ever used, only its whole life can tell.
our_starts["never-used"] := active_since

our_starts["dormant"] := input.as_of - window_seconds.dormant

our_starts["over-privileged"] := input.as_of - window_seconds["over-privileged"]

our_starts["redundant"] := our_starts["over-privileged"]

# A job that runs once a quarter is not idle after a month: its cadence, and some patience, lengthen the window.
lengthened(days) := max({days, cadence_days[input.grant.cadence] * input.thresholds.dormant.cadence_factor}) * day if {
	cadence_days[input.grant.cadence]
} else := days * day
