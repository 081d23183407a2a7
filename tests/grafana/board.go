// Package grafana reads deploy/grafana/hubbub.json as Grafana's own schema has it.
//
// Grafana imports a board whatever is in it: a field that it does not know is dropped, and a panel of a type that it
// does not have stays empty. Here both are errors. The schema is that of Grafana's Foundation SDK, whose types are
// generated from Grafana's kinds.
package grafana

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// columns of Grafana's grid.
const columns = 24

// chosen is the data source that is chosen at the top of the board.
const chosen = "${source}"

// What the board uses of what Grafana has. Whoever wants another adds it here, from the SDK's constants.
var (
	knownUnits     = set(units.Short, units.OpsPerSecond, units.Seconds, units.BytesIEC)
	knownVariables = set(dashboard.VariableTypeQuery, dashboard.VariableTypeDatasource)
)

func set[T comparable](all ...T) map[T]bool {
	known := map[T]bool{}
	for _, one := range all {
		known[one] = true
	}
	return known
}

// strict is what the SDK's types have in common.
type strict interface {
	UnmarshalJSONStrict(raw []byte) error
	Validate() error
}

// parse reads a value strictly and validates it. The SDK says with an empty list that there are no errors.
func parse(raw []byte, into strict) error {
	for _, err := range []error{into.UnmarshalJSONStrict(raw), into.Validate()} {
		var all cog.BuildErrors
		if err != nil && (!errors.As(err, &all) || len(all) > 0) {
			return err
		}
	}
	return nil
}

// Check says everything that is wrong with a board, or nothing.
func Check(raw []byte) []error {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return []error{err}
	}
	// The SDK's dashboard stops at the first panel, because of those empty lists: panels are read by themselves.
	var written []json.RawMessage
	if err := json.Unmarshal(fields["panels"], &written); err != nil {
		return []error{fmt.Errorf("panels: %w", err)}
	}
	delete(fields, "panels")
	rest, err := json.Marshal(fields)
	if err != nil {
		return []error{err}
	}
	checked := panels{ids: map[uint32]string{}}
	var board dashboard.Dashboard
	if err := parse(rest, &board); err != nil {
		checked.wrong = append(checked.wrong, err)
	}
	for _, variable := range board.Templating.List {
		if !knownVariables[variable.Type] {
			checked.wrong = append(checked.wrong, fmt.Errorf("the variable %q has a type that is not known: %q", variable.Name, variable.Type))
		}
		if source := variable.Datasource; source != nil && (source.Uid == nil || *source.Uid != chosen) {
			checked.wrong = append(checked.wrong, fmt.Errorf("the variable %q has another data source than %s", variable.Name, chosen))
		}
	}
	for _, raw := range written {
		var kind struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(raw, &kind); err != nil {
			checked.wrong = append(checked.wrong, err)
		} else if kind.Type == "row" {
			checked.row(raw)
		} else {
			checked.panel(raw)
		}
	}
	if len(checked.taken) == 0 {
		checked.wrong = append(checked.wrong, errors.New("the board has no panels"))
	}
	return checked.wrong
}

// panels that were looked at so far.
type panels struct {
	ids   map[uint32]string
	taken []placed
	wrong []error
}

type placed struct {
	title string
	at    dashboard.GridPos
}

func (all *panels) complain(title *string, format string, about ...any) {
	all.wrong = append(all.wrong, fmt.Errorf("panel %q: %w", name(title), fmt.Errorf(format, about...)))
}

func name(title *string) string {
	if title == nil {
		return "without a title"
	}
	return *title
}

// place checks that an id is given once, and that no two panels lie on each other.
func (all *panels) place(title *string, id *uint32, at *dashboard.GridPos) {
	if id == nil {
		all.complain(title, "it has no id")
	} else if other, twice := all.ids[*id]; twice {
		all.complain(title, "its id %d is also that of %q", *id, other)
	} else {
		all.ids[*id] = name(title)
	}
	if at == nil {
		all.complain(title, "it has no gridPos")
		return
	}
	if at.X+at.W > columns {
		all.complain(title, "it ends at column %d of %d", at.X+at.W, columns)
	}
	for _, other := range all.taken {
		apart := at.X+at.W <= other.at.X || other.at.X+other.at.W <= at.X ||
			at.Y+at.H <= other.at.Y || other.at.Y+other.at.H <= at.Y
		if !apart {
			all.complain(title, "it lies on %q", other.title)
		}
	}
	all.taken = append(all.taken, placed{name(title), *at})
}

func (all *panels) row(raw json.RawMessage) {
	var row dashboard.RowPanel
	if err := parse(raw, &row); err != nil {
		all.complain(row.Title, "%w", err)
	}
	all.place(row.Title, &row.Id, row.GridPos)
	var inside struct {
		Panels []json.RawMessage `json:"panels"`
	}
	if err := json.Unmarshal(raw, &inside); err != nil {
		all.complain(row.Title, "%w", err)
	}
	for _, raw := range inside.Panels {
		all.panel(raw)
	}
}

func (all *panels) panel(raw json.RawMessage) {
	var panel dashboard.Panel
	if err := parse(raw, &panel); err != nil {
		all.complain(panel.Title, "%w", err)
	}
	title := panel.Title
	all.place(title, panel.Id, panel.GridPos)
	// What a panel's type and its data source decide, the panel itself takes as it is.
	var written struct {
		Targets     []json.RawMessage `json:"targets"`
		Options     json.RawMessage   `json:"options"`
		FieldConfig json.RawMessage   `json:"fieldConfig"`
	}
	if err := json.Unmarshal(raw, &written); err != nil {
		all.complain(title, "%w", err)
		return
	}
	if panel.Type != "timeseries" {
		all.complain(title, "its type %q is not one whose options are checked here", panel.Type)
		return
	}
	if title == nil || *title == "" {
		all.complain(title, "it has no title")
	}
	if written.Options != nil {
		if err := parse(written.Options, new(timeseries.Options)); err != nil {
			all.complain(title, "options: %w", err)
		}
	}
	all.fields(title, written.FieldConfig)
	if panel.Datasource == nil || panel.Datasource.Uid == nil || panel.Datasource.Type == nil {
		all.complain(title, "it has no data source")
	} else if *panel.Datasource.Uid != chosen || *panel.Datasource.Type != "prometheus" {
		all.complain(title, "its data source is not the Prometheus that is chosen at the top of the board")
	}
	references := map[string]bool{}
	for n, target := range written.Targets {
		var query prometheus.Dataquery
		if err := parse(target, &query); err != nil {
			all.complain(title, "targets[%d]: %w", n, err)
			continue
		}
		if query.Expr == "" {
			all.complain(title, "targets[%d] has no expression", n)
		}
		reference := ""
		if query.RefId != nil {
			reference = *query.RefId
		}
		if reference == "" || references[reference] {
			all.complain(title, "targets[%d]: refId %q is empty or there twice", n, reference)
		}
		references[reference] = true
	}
	if len(references) == 0 {
		all.complain(title, "it asks for nothing")
	}
}

func (all *panels) fields(title *string, raw json.RawMessage) {
	var config dashboard.FieldConfigSource
	if err := parse(raw, &config); err != nil {
		all.complain(title, "fieldConfig: %w", err)
	}
	if unit := config.Defaults.Unit; unit == nil || !knownUnits[*unit] {
		all.complain(title, "its unit is none of those that are known here")
	}
	var written struct {
		Defaults struct {
			Custom json.RawMessage `json:"custom"`
		} `json:"defaults"`
	}
	if err := json.Unmarshal(raw, &written); err != nil {
		all.complain(title, "fieldConfig: %w", err)
	} else if custom := written.Defaults.Custom; custom != nil {
		if err := parse(custom, new(timeseries.FieldConfig)); err != nil {
			all.complain(title, "fieldConfig.defaults.custom: %w", err)
		}
	}
}
