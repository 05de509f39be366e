// SPDX-FileCopyrightText: The Wardkeeper Authors
// SPDX-License-Identifier: Apache-2.0

// CoreDNS with the plugins that a cluster's DNS needs, and no more.
package main

import (
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	coremain.Run()
}
