package detect

import (
	"context"

	"sluice/internal/finding"
	"sluice/internal/sigma"
)

// tell claims, sends and marks what crossed.
func (r *run) tell(ctx context.Context) error {
	if r.config.Every {
		return r.send(ctx, r.messages)
	}
	granted, err := r.claim(ctx)
	if err != nil {
		return err
	}
	granted, err = r.limit(ctx, granted)
	if err != nil || len(granted) == 0 {
		return err
	}
	if err := r.send(ctx, granted); err != nil {
		return err
	}
	claims := make([]Claim, len(granted))
	for i, m := range granted {
		claims[i] = m.claim
	}
	if err := r.state.Sent(ctx, claims); err != nil {
		return err
	}
	for _, m := range granted {
		r.remember(m)
	}
	return nil
}

// remember spares the next file of this process the question. While the first
// message is still another's to tell there is nothing to remember: his file may
// come again here, and must ask for it.
func (r *run) remember(m message) {
	if m.begun {
		r.told.set(m.UID, m.reached)
	}
}

// send gives messages to the outlet.
func (r *run) send(ctx context.Context, ms []message) error {
	if len(ms) == 0 {
		return nil
	}
	fs := make([]*finding.Finding, len(ms))
	for i, m := range ms {
		fs[i] = m.Finding
	}
	if err := r.outlet.Send(ctx, fs); err != nil {
		return err
	}
	for _, m := range ms {
		l, _ := sigma.ParseLevel(m.Rule.Level)
		r.report.Findings[l]++
		if m.Alert {
			r.report.Alerts++
		}
	}
	return nil
}

// claim asks for the first message of each incident, and where that is told or
// being told, for the update that its size calls for.
func (r *run) claim(ctx context.Context) ([]message, error) {
	var granted, grown []message
	ask := func(ms []message, step func(m message) int64) error {
		claims := make([]Claim, len(ms))
		for i := range ms {
			ms[i].Step = step(ms[i])
			ms[i].claim.Step = ms[i].Step
			ms[i].claim.Covers = covered(ms[i].Step, ms[i].reached)
			claims[i] = ms[i].claim
		}
		if len(claims) == 0 {
			return nil
		}
		grants, err := r.state.Claim(ctx, r.now, claims)
		if err != nil {
			return err
		}
		for i, g := range grants {
			m := ms[i]
			m.begun = m.begun || m.Step == 1 && g != Held
			switch {
			case g == Granted:
				granted = append(granted, m)
			case m.Step < m.reached:
				grown = append(grown, m)
			case g == Told:
				r.remember(m)
			}
		}
		return nil
	}
	if err := ask(r.messages, func(message) int64 { return 1 }); err != nil {
		return nil, err
	}
	again := grown
	grown = nil
	if err := ask(again, func(m message) int64 { return m.reached }); err != nil {
		return nil, err
	}
	return granted, nil
}
