package grantgate.review_test

import data.grantgate.review

windows(changes) := starts if {
	starts := review.windows with input as with_changes({"grant": changes})
}

aged(start, count) if as_of - start == count * 86400

test_windows_of_an_ordinary_grant if {
	windows({}) == {"never-used": days(400), "dormant": days(90), "over-privileged": days(90), "redundant": days(90)}
}

test_sensitive_apis_go_dormant_sooner if {
	aged(windows({"tier": "low"}).dormant, 90)
	aged(windows({"tier": "high"}).dormant, 45)
	aged(windows({"tier": "critical"}).dormant, 45)
}

test_cadence_lengthens_windows_where_it_is_longer if {
	old := {"granted_at": days(4000)}
	aged(windows(object.union(old, {"cadence": "daily"})).dormant, 90)
	aged(windows(object.union(old, {"cadence": "monthly"})).dormant, 90)
	aged(windows(object.union(old, {"cadence": "quarterly"})).dormant, 113.75)
	aged(windows(object.union(old, {"cadence": "quarterly", "tier": "high"})).dormant, 113.75)
	aged(windows(object.union(old, {"cadence": "annual"}))["over-privileged"], 456.25)
}

test_grant_is_immune_until_it_is_as_old_as_the_window if {
	object.keys(windows({"granted_at": days(90)})) == {"never-used", "dormant", "over-privileged", "redundant"}
	object.keys(windows({"granted_at": days(90) + 1})) == {"never-used"}
	object.keys(windows({"granted_at": days(30)})) == {"never-used"}
	windows({"granted_at": days(30) + 1}) == {}
	object.keys(windows({"granted_at": days(30), "cadence": "daily"})) == {"never-used"}
	windows({"granted_at": days(37), "cadence": "monthly"}) == {}
	object.keys(windows({"granted_at": days(38), "cadence": "monthly"})) == {"never-used"}
}

test_only_live_active_grants_are_judged_by_use if {
	windows({"state": "suspended"}) == {}
	windows({"expires_at": as_of}) == {}
	count(windows({"expires_at": as_of + 1})) == 4
	windows({"cadence": "break-glass"}) == {}
}

test_live_keep_silences_what_use_would_say if {
	kept := {"at": days(10), "until": as_of + 1}
	windows({"review": kept}) == {}
	count(windows({"review": object.union(kept, {"until": as_of})})) == 4
	count(windows({"review": object.remove(kept, ["until"])})) == 4
}

test_keep_holds_until_the_grant_changes if {
	kept := {"at": days(10), "until": as_of + 1}
	windows({"review": kept, "changed_since_review": false}) == {}
	count(windows({"review": kept, "changed_since_review": true})) == 4
}

test_windows_reach_back_no_further_than_the_grant_was_what_it_is if {
	windows({"active_since": days(100)})["never-used"] == days(100)
	object.keys(windows({"active_since": days(90)})) == {"never-used", "dormant", "over-privileged", "redundant"}
	object.keys(windows({"active_since": days(90) + 1})) == {"never-used"}
	windows({"active_since": days(30) + 1}) == {}
}
