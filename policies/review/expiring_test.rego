package grantgate.review_test

ahead(count) := as_of + (count * 86400)

expiring_at(at) := with_changes({"grant": {"expires_at": at}})

test_expiring_within_the_longest_notice if {
	found(expiring_at(ahead(14))) == [report("expiring", "renew", "low")]
	found(expiring_at(ahead(14) + 1)) == []
	found(expiring_at(ahead(1))) == [report("expiring", "renew", "low")]
}

test_no_notice_is_longer_than_what_was_given if {
	week := {"grant": {"granted_at": days(3)}}
	found(object.union(expiring_at(ahead(4)), week)) == []
	found(object.union(expiring_at(ahead(1)), week)) == [report("expiring", "renew", "low")]
	found(object.union(expiring_at(ahead(11)), week)) == []
	found(object.union(expiring_at(ahead(11) + 1), week)) == [report("expiring", "renew", "low")]
	found(object.union(expiring_at(as_of + 3600), {"grant": {"granted_at": as_of - 3600}})) == []
}

test_suspended_grant_is_left_to_lapse if {
	found(object.union(expiring_at(ahead(3)), {"grant": {"state": "suspended", "suspended_at": days(1)}})) == []
}

test_keep_and_break_glass_prolong_nothing if {
	kept := {"at": days(10), "until": as_of + 1}
	found(object.union(expiring_at(ahead(3)), {"grant": {"review": kept}})) == [report("expiring", "renew", "low")]
	found(object.union(expiring_at(ahead(3)), {"grant": {"cadence": "break-glass"}})) == [report("expiring", "renew", "low")]
}
