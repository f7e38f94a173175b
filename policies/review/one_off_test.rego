package grantgate.review_test

import data.grantgate.review

once(first, last) := {"observed": {"ever": 9, "first": first, "last": last}, "usage": {"one-off": used(9)}}

test_use_of_a_few_days_long_ago if {
	tightens("one-off", once(days(36), days(30)))
	not tightens("one-off", once(days(36), days(30) + 1))
	not tightens("one-off", once(days(37), days(30)))
	tightens("one-off", once(days(37) + 1, days(30)))
	not tightens("one-off", object.union(once(days(36), days(30)), {"observed": {"ever": 0}}))
}

test_one_off_needs_the_whole_life_on_record if {
	not tightens("one-off", object.union(once(days(36), days(30)), {"usage": {"one-off": used(10)}}))
	facts := object.union(asking(once(days(36), days(30))), with_coverage("one-off", 0.9))
	{finding.verdict | some finding in found(facts); finding.detector == "one-off"} == {"not-evaluable"}
	review.windows["one-off"] == days(400) with input as asking(once(days(36), days(30)))
}

test_what_ends_or_comes_back_is_left_alone if {
	not tightens("one-off", object.union(once(days(36), days(30)), {"grant": {"expires_at": as_of + 5000000}}))
	not tightens("one-off", object.union(once(days(36), days(30)), {"grant": {"cadence": "annual", "granted_at": days(4000)}}))
}
