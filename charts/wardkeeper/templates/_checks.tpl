{{- /*
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0

What values.schema.json cannot refuse.
*/ -}}

{{- define "wardkeeper.check" -}}
{{- $kinds := dict "serviceMonitor" "ServiceMonitor" "podMonitor" "PodMonitor" "prometheusRule" "PrometheusRule" -}}
{{- range $value, $kind := $kinds -}}
{{- $wanted := index $.Values $value -}}
{{- if and $wanted.enabled (not ($.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind))) -}}
{{- fail (printf "%s.enabled is true, but this cluster has no kind %s of monitoring.coreos.com/v1: install Prometheus Operator first, or leave %s.enabled false (rendering without a cluster: --api-versions monitoring.coreos.com/v1/%s)" $value $kind $value $kind) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.canary.enabled (not .Values.image.digest) -}}
{{- fail "canary.enabled is true and image.digest is empty: the canary is a workflow, and a workflow names its image by digest; set image.digest" -}}
{{- end -}}
{{- if and .Values.canary.enabled (eq .Values.scope "Namespaces") (not (has .Release.Namespace .Values.namespaces)) -}}
{{- fail (printf "canary.enabled is true and namespaces lacks %s, where the canary lives: add it, or leave canary.enabled false" .Release.Namespace) -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled are both true: every sample would be stored twice; enable one" -}}
{{- end -}}
{{- /* Without a cluster, lookup finds nothing at all. */ -}}
{{- if lookup "v1" "Namespace" "" "kube-system" -}}
{{- range .Values.namespaces -}}
{{- if not (lookup "v1" "Namespace" "" .) -}}
{{- fail (printf "namespaces names %s, which does not exist: kubectl create namespace %s" . .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $index, $rule := .Values.grantableRules -}}
{{- if and (has "secrets" $rule.resources) (not $rule.resourceNames) -}}
{{- fail (printf "grantableRules[%d] names secrets without resourceNames: workflows could be given every Secret of their namespace; name those that may be read" $index) -}}
{{- end -}}
{{- end -}}
{{- $known := list -}}
{{- range (.Files.Get "files/rules.yaml" | fromYaml).groups -}}
{{- range .rules }}{{ $known = append $known .alert }}{{ end -}}
{{- end -}}
{{- range .Values.prometheusRule.disabled -}}
{{- if not (has . $known) -}}
{{- fail (printf "prometheusRule.disabled names %s, which is no alert of this chart; known: %s" . (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
