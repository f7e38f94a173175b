package grantgate.review_test

import data.grantgate.review

own_says(changes) := {"own": [object.union({"detector": "mine", "action": "revoke", "severity": "medium"}, changes)]}

own_seen := {"own": [{"detector": "mine", "days": 60, "action": "suspend", "severity": "high"}], "usage": {"mine": used(3)}}

test_own_finding_is_reported_with_its_severity if {
	found(with_changes(own_says({}))) == [report("mine", "revoke", "medium")]
	found(with_changes(own_says({"severity": "critical"}))) == [report("mine", "revoke", "critical")]
	found(with_changes({"own": [{"detector": "mine"}]})) == []
}

test_own_finding_is_silent_of_what_is_kept_suspended_or_over if {
	every changes in [{"state": "suspended"}, {"expires_at": as_of}, {"review": {"at": days(1), "until": as_of + 1}}] {
		no_own(object.union(own_says({}), {"grant": changes}))
		no_own(object.union(own_seen, {"grant": changes}))
	}
}

no_own(changes) if not "mine" in {finding.detector | some finding in found(with_changes(changes))}

test_own_finding_takes_away_no_break_glass_grant if {
	break_glass := {"grant": {"cadence": "break-glass"}}
	found(with_changes(object.union(own_says({}), break_glass))) == []
	asks := own_says({"action": "recertify"})
	found(with_changes(object.union(asks, break_glass))) == [report("mine", "recertify", "medium")]
}

test_own_window_needs_age_and_coverage if {
	found(with_changes(own_seen)) == [report("mine", "suspend", "high")]
	no_own(object.union(own_seen, {"grant": {"granted_at": days(60) + 1}}))
	not no_own(object.union(own_seen, {"grant": {"granted_at": days(60)}}))
	found(object.union(with_changes(own_seen), with_coverage("mine", 0.9499))) == [{
		"detector": "mine",
		"verdict": "not-evaluable",
		"coverage": 0.9499,
	}]
}

test_own_window_is_lengthened_by_cadence if {
	quarterly := object.union(own_seen, {"grant": {"cadence": "quarterly"}})
	starts := review.windows with input as with_changes(quarterly)
	aged(starts.mine, 113.75)
}

test_own_finding_can_be_exempt if {
	exempt := object.union(own_says({}), exempt_from("mine", as_of + 1))
	{[finding.detector, finding.verdict] | some finding in found(with_changes(exempt))} == {["mine", "exempt"]}
}

test_own_removal_is_weaker_than_the_products_and_stronger_than_the_rest if {
	gone := object.union(own_says({}), {"account": {"status": "deprovisioned"}})
	found(with_changes(gone)) == [also_report("orphan-disabled", "revoke", "high", ["mine"])]
	narrow := object.union(own_says({}), narrow_use)
	found(with_changes(narrow)) == [also_report("mine", "revoke", "medium", ["over-privileged"])]
}
