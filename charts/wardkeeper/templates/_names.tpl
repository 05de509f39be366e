{{- /*
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0

Names and labels. Names are fixed, for admission policies, settings and messages tell them: a cluster
has one installation.
*/ -}}

{{- define "wardkeeper.selectorLabels" -}}
app.kubernetes.io/name: wardkeeper
app.kubernetes.io/component: operator
{{- end -}}

{{- /* A version as a label, which has no + and at most 63 characters. */ -}}
{{- define "wardkeeper.version" -}}
{{ . | replace "+" "_" | trunc 63 | trimAll "-_." }}
{{- end -}}

{{- define "wardkeeper.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" "wardkeeper"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" (include "wardkeeper.version" .Chart.AppVersion)
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (include "wardkeeper.version" (printf "%s-%s" .Chart.Name .Chart.Version))
-}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{- define "wardkeeper.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ .Values.serviceAccount.name }}
{{- end -}}

{{- define "wardkeeper.subject" -}}
- kind: ServiceAccount
  name: {{ .Values.serviceAccount.name | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}

{{- define "wardkeeper.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}{{ with $image.tag }}:{{ . }}{{ end }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /*
Who may read tokens in the pod. Without fsGroup they belong to root, and who the platform lets the
pod run as is not known here.
*/ -}}
{{- define "wardkeeper.tokenMode" -}}
{{ empty .Values.podSecurityContext.fsGroup | ternary "0444" "0440" }}
{{- end -}}
