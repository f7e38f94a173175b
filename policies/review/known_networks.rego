package grantgate.review

# METADATA
# title: Networks that all use came from
# description: Each use of the grant came from one of these declared networks, and it may be used from anywhere.
candidates contains {"detector": "known-networks", "action": "tighten"} if {
	seen_often("known-networks")
	not input.grant.conditions.networks
	count(input.observed.networks) > 0
}
