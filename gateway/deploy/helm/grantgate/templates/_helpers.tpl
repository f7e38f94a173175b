{{- define "grantgate.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "grantgate.selector" -}}
app.kubernetes.io/name: grantgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "grantgate.labels" -}}
{{ include "grantgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "grantgate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}
{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* gateway.yaml: what is given, and over it what only the chart can know. */ -}}
{{- define "grantgate.config" -}}
{{- $listen := dict "host" "0.0.0.0" "port" 8080 -}}
{{- $admin := dict "host" "0.0.0.0" "port" 9090 "token" (dict "env" "GRANTGATE_ADMIN_TOKEN") -}}
{{- $decisions := dict "folder" "/var/lib/grantgate/decisions" "usage" "/var/lib/grantgate/usage" "instance" (dict "env" "POD_NAME") -}}
{{- $set := dict "listen" $listen "admin" $admin "state" "/var/lib/grantgate/state" "decisions" $decisions -}}
{{- if .Values.config.decision_point -}}
{{- $_ := set $set "decision_point" (dict "listen" (dict "host" "0.0.0.0" "port" 8081)) -}}
{{- end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $set) -}}
{{- end }}
