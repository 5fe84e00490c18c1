package command

import (
	"cmp"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"perch/shim/internal/template"
)

func (a *app) template() *cobra.Command {
	c := &cobra.Command{
		Use:   "template",
		Short: "List or show the templates that can be named as targets",
		Args:  noCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.templateList(), a.templateShow())
	return c
}

func (a *app) templateList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the templates: perch's own and the site's (/etc/perch/catalog.yaml)",
		Args:  noTarget,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := template.All()
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tWHAT\tIMAGE")
			for _, t := range all {
				fmt.Fprintf(table, "%s\t%s%s\t%s\n", t.Name, t.Environment.Title, t.Kind.About, cmp.Or(t.Kind.Image(t.Environment), "-"))
			}
			return table.Flush()
		},
	}
}

func (a *app) templateShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Print a template's submit description, to be changed and kept",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("name one template; %s list shows which there are", c.Parent().CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			t, found, err := template.Find(args[0])
			if err != nil {
				return err
			}
			if !found {
				return fmt.Errorf("there is no template %q; perch template list shows which there are", args[0])
			}
			text, err := t.Text()
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), text)
			return nil
		},
	}
}
