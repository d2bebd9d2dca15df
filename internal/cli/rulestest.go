package cli

type rulesTestCommand struct {
	ruleSet
}

func (c *rulesTestCommand) Run(a *app) error { return nil }
