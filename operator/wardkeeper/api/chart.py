# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The CustomResourceDefinitions as templates of the chart.

Helm never upgrades what lies in a chart's folder `crds`, so they are templates, behind
`crds.enabled`. Nor does it ever remove them: with a definition every workflow would be deleted, and
those with a finalizer would wait for an operator that is gone already. Helm's own YAML functions
would turn whole numbers into floating ones, so the text is taken as it is.
"""

from __future__ import annotations

_LABELS = "  labels:\n    app.kubernetes.io/name: wardkeeper\n"
_METADATA = """\
  annotations:
    helm.sh/resource-policy: keep
  labels:
    {{- include "wardkeeper.labels" . | nindent 4 }}
"""


def definition_template(definition: str) -> str:
    """The template that renders a definition.

    Args:
        definition: the YAML file of one definition, as `definition_yaml` makes it.

    Raises:
        ValueError: the text is not of that form, or Helm would read a part of it as its own.
    """
    if definition.count(_LABELS) != 1 or "{{" in definition:
        raise ValueError("wanted the YAML of one definition with its label, and no braces of Helm")
    return (
        "{{- if .Values.crds.enabled }}\n"
        f"{definition.replace(_LABELS, _METADATA)}"
        "{{- end }}\n"
    )
