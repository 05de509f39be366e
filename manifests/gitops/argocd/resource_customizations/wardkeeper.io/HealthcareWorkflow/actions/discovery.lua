local rotates = obj.spec.secrets ~= nil and #obj.spec.secrets > 0
return {
  refresh = {displayName = "Look again", iconClass = "fa fa-fw fa-sync"},
  rotate = {
    displayName = "Rotate secrets",
    iconClass = "fa fa-fw fa-key",
    disabled = not rotates,
    params = {{name = "secret"}},
  },
}
