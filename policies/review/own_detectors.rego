package grantgate.review

# METADATA
# title: What the repository's own detectors find
# description: |
#   They are asked one by one, before; what they answer stands in `input.own`, and is weighed here as everything else is.
#   None of them speaks of a grant that is suspended, has ended or was kept, and none takes away break-glass access. One
#   that looks at use has a window, so age, cadence and coverage guard it.
candidates contains {"detector": own.detector, "action": own.action} if {
	some own in input.own
	own.action
	heard(own)
}

heard(own) if windows[own.detector]

heard(own) if {
	not own.days
	recertifiable
	not break_glass
}

heard(own) if {
	not own.days
	recertifiable
	own.action == "recertify"
}

own_severity[own.detector] := own.severity if some own in input.own

own_seconds := {own.detector: lengthened(own.days) | some own in input.own}

own_starts := {detector: start |
	some detector, seconds in own_seconds
	start := input.as_of - seconds
}
