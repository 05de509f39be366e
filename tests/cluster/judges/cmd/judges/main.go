// SPDX-FileCopyrightText: The Wardkeeper Authors
// SPDX-License-Identifier: Apache-2.0

// Command judges says what kstatus and Flux's health check expressions think of objects.
//
// It reads one JSON document from standard input: the expressions and the objects. It writes one
// line of JSON for each object: the verdict of each judge, in their own words.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// question is what is asked; an object stays raw so that its numbers are read as Kubernetes does.
type question struct {
	Expressions kustomize.HealthCheckExpressions `json:"expressions"`
	Objects     []json.RawMessage                `json:"objects"`
}

// verdict is what the judges say of one object.
type verdict struct {
	Kstatus status.Status `json:"kstatus"`
	Flux    string        `json:"flux"`
}

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "judges:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	var asked question
	if err := json.NewDecoder(in).Decode(&asked); err != nil {
		return fmt.Errorf("reading the question: %w", err)
	}
	flux, err := cel.NewStatusEvaluator(&asked.Expressions)
	if err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	for number, raw := range asked.Objects {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(raw); err != nil {
			return fmt.Errorf("object %d: %w", number, err)
		}
		said, err := judge(ctx, flux, object)
		if err != nil {
			return fmt.Errorf("object %d: %w", number, err)
		}
		if err := answers.Encode(said); err != nil {
			return err
		}
	}
	return nil
}

func judge(
	ctx context.Context, flux *cel.StatusEvaluator, object *unstructured.Unstructured,
) (verdict, error) {
	found, err := status.Compute(object)
	if err != nil {
		return verdict{}, fmt.Errorf("kstatus: %w", err)
	}
	told, err := flux.Evaluate(ctx, object)
	if err != nil {
		return verdict{}, fmt.Errorf("flux: %w", err)
	}
	return verdict{Kstatus: found.Status, Flux: string(told.Status)}, nil
}
