package grantgate.review_test

import data.grantgate.review

# Nothing but what a recommendation may be made of: sixty uses on ten days, all of them on record.
observed := {"uses": 60, "days": 10, "ever": 60, "mfa": 0, "first": days(80), "last": days(1)}

observed_use := {name: used(60) | some name in review.recommendations}

# The healthy grant of a run that asks for recommendations, with changes.
asking(changes) := with_changes(object.union({"observed": observed, "usage": observed_use}, changes))

tightens(detector, changes) if {
	some finding in found(asking(changes))
	finding.detector == detector
	finding.action == "tighten"
	finding.verdict == "report"
}

rate := {"observed": {"rate": "70/min"}}

test_nothing_is_recommended_unless_asked if {
	found(with_changes({"usage": observed_use})) == []
	found(asking({})) == []
	found(asking(rate)) == [report("rate-limit", "tighten", "low")]
}

test_too_few_uses_or_days_recommend_nothing if {
	tightens("rate-limit", object.union(rate, {"observed": {"rate": "70/min", "uses": 20, "days": 5}, "usage": {"rate-limit": used(20)}}))
	not tightens("rate-limit", object.union(rate, {"observed": {"rate": "70/min", "uses": 19}, "usage": {"rate-limit": used(19)}}))
	not tightens("rate-limit", {"observed": {"rate": "70/min", "days": 4}})
}

test_uses_that_are_not_on_record_recommend_nothing if {
	not tightens("rate-limit", object.union(rate, {"usage": {"rate-limit": used(61)}}))
}

test_gaps_are_not_evaluable if {
	facts := object.union(asking(rate), with_coverage("rate-limit", 0.9499))
	found(facts) == [{"detector": "rate-limit", "verdict": "not-evaluable", "coverage": 0.9499}]
}

test_young_kept_suspended_and_break_glass_grants_are_left_alone if {
	every changes in [
		{"granted_at": days(90) + 1},
		{"state": "suspended"},
		{"cadence": "break-glass"},
		{"review": {"at": days(1), "until": as_of + 1}},
	] {
		not tightens("rate-limit", object.union(rate, {"grant": changes}))
	}
	tightens("rate-limit", object.union(rate, {"grant": {"granted_at": days(90)}}))
}

test_cadence_lengthens_the_window if {
	not tightens("rate-limit", object.union(rate, {"grant": {"cadence": "quarterly", "granted_at": days(113)}}))
	tightens("rate-limit", object.union(rate, {"grant": {"cadence": "quarterly", "granted_at": days(114)}}))
}
