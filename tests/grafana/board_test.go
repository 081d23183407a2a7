package grafana

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func board(t *testing.T) string {
	raw, err := os.ReadFile("../../deploy/grafana/hubbub.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheBoardIsAsGrafanaHasIt(t *testing.T) {
	for _, wrong := range Check([]byte(board(t))) {
		t.Error(wrong)
	}
}

// Each of these Grafana would import without a word.
func TestABoardWithAMistakeIsRefused(t *testing.T) {
	sound := board(t)
	for _, broken := range []struct{ from, to, complaint string }{
		{`"type": "timeseries"`, `"type": "timeserie"`, `its type "timeserie"`},
		{`"schemaVersion": 39`, `"schemaVersion": "39"`, "schemaVersion"},
		{`"legendFormat"`, `"legendformat"`, "legendformat"},
		{`"expr"`, `"query"`, "expr"},
		{`"refId": "B"`, `"refId": "A"`, `refId "A"`},
		{`"gridPos": {`, `"gridPos": { "z": 1,`, "unexpected field 'z'"},
		{`"w": 6`, `"w": 25`, "must be <= 24"},
		{`"x": 6`, `"x": 0`, "it lies on"},
		{`"x": 18`, `"x": 19`, "column 25 of 24"},
		{`"id": 3,`, `"id": 2,`, `its id 2`},
		{`"unit": "ops"`, `"unit": "rps/s"`, "its unit"},
		{`"stacking"`, `"stacked"`, "stacked"},
		{`"uid": "${source}"`, `"uid": "my-prometheus"`, "data source"},
		{`"type": "datasource"`, `"type": "data"`, `"source" has a type`},
		{`"refresh": 1`, `"refresh": "on load"`, "refresh"},
		{`"overrides": []`, `"override": []`, "override"},
		{`"collapsed": false`, `"collapsed": "no"`, "collapsed"},
	} {
		if !strings.Contains(sound, broken.from) {
			t.Errorf("the board has no %s any more: take another mistake", broken.from)
			continue
		}
		found := fmt.Sprint(Check([]byte(strings.Replace(sound, broken.from, broken.to, 1))))
		if !strings.Contains(found, broken.complaint) {
			t.Errorf("%s for %s: %s", broken.to, broken.from, found)
		}
	}
}
