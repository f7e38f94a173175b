package grantgate.review

# METADATA
# title: A second factor that everybody has
# description: The API is of tier high or critical, and each use of the grant was made with a second factor; none is asked for.
candidates contains {"detector": "second-factor", "action": "tighten"} if {
	seen_often("second-factor")
	sensitive
	not startswith(input.grant.principal, "service:")
	not input.grant.conditions.mfa
	input.observed.mfa == input.observed.uses
}
