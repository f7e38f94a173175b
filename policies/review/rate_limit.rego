package grantgate.review

# METADATA
# title: A rate that fits
# description: |
#   The grant has no rate, and one is known that leaves room above the busiest minutes of each caller, and is lower than
#   the rate of its API.
candidates contains {"detector": "rate-limit", "action": "tighten"} if {
	seen_often("rate-limit")
	not input.grant.rate
	input.observed.rate
}
