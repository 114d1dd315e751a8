//! Maps whose keys are names of fields: what a struct is whose fields are told by nobody. serde's
//! derive reads the variants of adjacently tagged enums in this way, and what has flattened fields.

use super::ask::Ask;
use super::exploration::{Exploration, Goal, Passed, Task};
use super::fault::{Fault, heard};
use super::gap::Reason;
use super::shape::{Fields, Kind, NodeId};
use super::survey::Route;

/// So many fields are found out by the errors that ask for them.
const MOST_FIELDS: usize = 128;

impl Exploration<'_> {
    /// Whether a value is the key of a map that must have an entry, and does not tell the names of
    /// those that it may have.
    pub(super) fn has_open_tag(&self, key: NodeId) -> bool {
        if !self.is_key(key) || self.kind(key) == Kind::Scalar(Ask::Identifier) {
            return false;
        }
        self.survey.with_shape(|shape| {
            let map = shape.nodes[key].parent.map_or(0, |(map, _)| map);
            let is_open = !shape.nodes[map].told.is_empty();
            if is_open {
                shape.gap(map, Reason::OpenTag);
            }
            is_open
        })
    }

    /// Lets the parts of a value be no goals any more.
    pub(super) fn forget_parts(&mut self, path: &[usize]) {
        let is_part =
            |goal: &Goal| goal.path.len() == path.len() + 1 && goal.path.starts_with(path);
        self.goals.retain(|goal| !is_part(goal));
    }

    /// A map whose keys are names of fields. serde's derive knows them by numbers, too.
    pub(super) fn know_fields(&mut self, key: &Goal) {
        let Some((map, _)) = self.survey.with_shape(|shape| shape.nodes[key.node].parent) else {
            return;
        };
        self.survey.with_shape(|shape| {
            let fields = Fields {
                names: Vec::new(),
                is_numbered: true,
            };
            shape.has_fields(map, fields);
        });
        let path = key.path[..key.path.len() - 1].to_vec();
        self.forget_parts(&path);
        self.add_field(map, path, Task::NameField);
    }

    /// Looks at another field, and then at what is to be done.
    pub(super) fn add_field(&mut self, map: NodeId, path: Vec<usize>, then: Task) {
        let field = self.survey.with_shape(|shape| shape.add_child(map));
        let mut field_path = path.clone();
        field_path.push(self.survey.children(map) - 1);
        self.goal(map, path, then);
        self.goals.push(Goal {
            node: field,
            path: field_path,
            task: Task::See,
            attempts: 1,
            is_second_try: true,
        });
    }

    /// Finds out the name of the last field, which is known by its number, and goes on to the next.
    pub(super) fn name_field(&mut self, goal: Goal) {
        let at = self.survey.children(goal.node) - 1;
        let (kind, is_buffer) = self.survey.with_shape(|shape| {
            let field = &shape.nodes[shape.nodes[goal.node].children[at]];
            (field.kind.clone(), field.is_buffer)
        });
        let is_none = matches!(kind, Kind::Unread | Kind::Scalar(Ask::Ignored));
        if at == 0 && (is_none || is_buffer) {
            // Numbers are no use: some fields are flattened, or it is written by hand.
            self.survey.with_shape(|shape| {
                shape.gap(goal.node, Reason::Flatten);
                shape.has_fields(goal.node, Fields::default());
            });
            return self.goal(goal.node, goal.path, Task::AskForField);
        }
        if is_none {
            return self.survey.with_shape(|shape| {
                shape.nodes[goal.node].children.pop();
            });
        }
        // One that is given twice is an error that names it.
        let said = match self.said(&goal, usize::MAX - at) {
            Ok(said) => said,
            Err(reason) => return self.gap(goal.node, reason),
        };
        let name = said.iter().find_map(|fault| match fault {
            Fault::Duplicate(name) => Some(*name),
            _ => None,
        });
        if name.is_none() {
            self.gap(goal.node, Reason::Rejects);
        }
        self.survey.with_shape(|shape| {
            let fields = shape.nodes[goal.node].fields.get_or_insert_default();
            fields.names.push(name.unwrap_or("?"));
        });
        match at < MOST_FIELDS {
            true => self.add_field(goal.node, goal.path, Task::NameField),
            false => self.gap(goal.node, Reason::TooLarge),
        }
    }

    /// What is said when a map is read toward a field that is not there.
    pub(super) fn said(&mut self, goal: &Goal, at: usize) -> Result<Vec<Fault>, Reason> {
        let mut path = goal.path.clone();
        path.push(at);
        match self.pass(Route {
            path,
            sample: None,
            attempt: 0,
        }) {
            Passed::Ended(_) => Ok(heard()),
            Passed::Broken(reason) => Err(reason),
        }
    }

    /// Finds out the name of a field that there must be, by leaving it out.
    pub(super) fn ask_for_field(&mut self, goal: Goal) {
        let fields = self.survey.fields(goal.node).unwrap_or_default();
        let said = match self.said(&goal, usize::MAX) {
            Ok(said) => said,
            Err(reason) => return self.gap(goal.node, reason),
        };
        let missing = said.iter().find_map(|fault| match fault {
            Fault::Missing(name) if !fields.names.contains(name) => Some(*name),
            _ => None,
        });
        let Some(name) = missing.filter(|_| fields.names.len() < MOST_FIELDS) else {
            let told = said.iter().map(Fault::to_string).collect();
            return self
                .survey
                .with_shape(|shape| shape.nodes[goal.node].told = told);
        };
        self.survey.with_shape(|shape| {
            let fields = shape.nodes[goal.node].fields.get_or_insert_default();
            fields.names.push(name);
        });
        self.add_field(goal.node, goal.path, Task::AskForField);
    }
}
