# METADATA
# title: Access review
# description: |
#   Judges one grant by facts that were gathered about it: which detectors report it, and what they propose. One file
#   per detector adds to `candidates`; this file weighs them against exemptions, the coverage of the evidence and each
#   other. Time is `input.as_of`; there is no wall clock here. All instants and durations are seconds.
#
#   A detector that needs usage names its window in `windows`. The facts of those windows are then in `input.usage`,
#   by the detector's name.
# scope: package
# schemas:
#   - input: schema.review
package grantgate.review

# METADATA
# title: Judgement
# description: |
#   The one thing that is asked: the windows, to gather usage for, and the findings, which are good once that usage is
#   in the input. One entrypoint for both, because opa refuses to compile functions that its entrypoint does not reach.
# entrypoint: true
judgement := {"windows": windows, "findings": findings} if {
	input.usage
} else := {"windows": windows, "findings": []}

# METADATA
# title: Findings
# description: |
#   What to say of the grant, sorted by detector. `verdict` is `report`; `exempt`, for what would be reported were it
#   not exempt; or `not-evaluable`, for what would be reported did the records of its window cover enough of it.
#   Beside a finding that removes the grant the weaker ones are only named, in its `also`.
findings := [finding |
	some detector in sort({candidate.detector | some candidate in candidates})
	some candidate in candidates
	candidate.detector == detector
	finding := judged(candidate)
]

judged(candidate) := {
	"detector": candidate.detector,
	"verdict": "exempt",
	"until": exemption.until,
	"reason": exemption.reason,
} if {
	evaluable(candidate.detector)
	exemption := exemptions[candidate.detector]
}

judged(candidate) := {
	"detector": candidate.detector,
	"verdict": "report",
	"action": candidate.action,
	"severity": severity(candidate.detector),
	"also": sort(reported - {candidate.detector}),
} if {
	candidate.detector == strongest
}

judged(candidate) := {
	"detector": candidate.detector,
	"verdict": "report",
	"action": candidate.action,
	"severity": severity(candidate.detector),
	"also": [],
} if {
	not strongest
	candidate.detector in reported
}

judged(candidate) := {
	"detector": candidate.detector,
	"verdict": "not-evaluable",
	"coverage": coverage[candidate.detector],
} if {
	not strongest
	not exemptions[candidate.detector]
	not evaluable(candidate.detector)
	not judged_instead(candidate.detector)
}

# Where the records do not reach back to the day of the grant, the dormant window judges its use.
judged_instead("never-used") if {
	windows.dormant
	evaluable("dormant")
}

# METADATA
# title: What removes a grant
# description: Detectors whose finding takes the grant away, strongest first. One that only asks takes nothing.
removing := ["expired", "orphan-disabled", "orphan-missing", "ownerless", "never-used", "dormant", "redundant"]

removals := [detector |
	some detector in removing
	not asks(detector)
]

asks(detector) if {
	some candidate in candidates
	candidate.detector == detector
	candidate.action in {"reassign", "recertify"}
}

reported contains candidate.detector if {
	some candidate in candidates
	evaluable(candidate.detector)
	not exemptions[candidate.detector]
}

strongest := [detector | some detector in array.concat(removals, own_removing); detector in reported][0]

# What the product finds weighs more than what a repository's own detectors do.
own_removing := sort([own.detector | some own in input.own; own.action in {"revoke", "suspend"}])

# Of several that hold the longest counts.
exemptions[detector] := {"until": longest[0], "reason": longest[1]} if {
	some detector in {exemption.detector | some exemption in input.exemptions}
	live_exemptions := sort([[exemption.until, exemption.reason] |
		some exemption in input.exemptions
		exemption.detector == detector
		input.as_of < exemption.until
	])
	count(live_exemptions) > 0
	longest := live_exemptions[count(live_exemptions) - 1]
}

# The proof a detector needs is there: enough of its window is covered, or it needs no usage at all.
evaluable(detector) if not coverage[detector]

evaluable(detector) if coverage[detector] >= input.thresholds.coverage

# What was not gathered covers nothing.
coverage[detector] := object.get(input, ["usage", detector, "coverage"], 0) if some detector, _ in windows

coverage["dormant"] := 0 if suspended_since_unknown

# METADATA
# title: Severity
# description: How much the finding matters, by what it found and by the tier of the API.
severity(detector) := own_severity[detector] if {
	own_severity[detector]
} else := "low" if {
	detector in ({"expired", "expiring"} | (recommendations - {"second-factor"}))
} else := "critical" if {
	startswith(detector, "orphan-")
	not asks(detector)
	input.grant.tier == "critical"
} else := "high" if {
	startswith(detector, "orphan-")
	not asks(detector)
} else := "low" if {
	detector == "over-privileged"
	not sensitive
} else := "high" if {
	sensitive
	detector in ({"separation-of-duties"} | {name | some name in removals})
} else := "medium"
