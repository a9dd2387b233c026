// Command webhook is cert-manager's: conversion, defaults and validation of its resources, for the API server.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/cert-manager/cert-manager/internal/apis/config/webhook/validation"
	"github.com/cert-manager/cert-manager/internal/webhook"
	_ "github.com/cert-manager/cert-manager/internal/webhook/feature"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
	"github.com/cert-manager/cert-manager/sandbox/internal/program"
)

func main() {
	config, err := options.NewWebhookConfiguration()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	flags := pflag.NewFlagSet("webhook", pflag.ContinueOnError)
	options.AddConfigFlags(flags, config)
	program.Start("webhook", flags, &config.FeatureGates, &config.Logging, func(ctx context.Context) error {
		if faults := validation.ValidateWebhookConfiguration(config, nil); len(faults) > 0 {
			return faults.ToAggregate()
		}
		server, err := webhook.NewCertManagerWebhookServer(logf.FromContext(ctx), *config)
		if err != nil {
			return err
		}
		return server.Run(ctx)
	})
}
