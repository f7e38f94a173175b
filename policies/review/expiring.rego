package grantgate.review

# METADATA
# title: Expiring
# description: |
#   The grant ends within the days of a notice. Renewed it goes on; let lapse it is denied from its end on. How long
#   before the end somebody is told, and told again, is in the thresholds. Whoever gave it for no longer than that knows.
candidates contains {"detector": "expiring", "action": "renew"} if {
	active
	some days in input.thresholds.expiring.notice_days
	input.grant.expires_at - input.as_of <= days * day
	input.grant.expires_at - input.grant.granted_at > days * day
}
